"""The lesson: its texts in both languages, its findings, its adapting sentences, its pictures."""

import dataclasses
import re
from itertools import pairwise

import numpy as np
import pytest
from looptax.bench.teach.lesson import guesses, listings, page, plain, svg, text, words
from looptax.bench.teach.lesson.chapters import CHAPTERS, slopes
from looptax.bench.teach.lesson.chapters.threads import Threads
from looptax.bench.teach.lesson.html import Writer
from looptax.bench.teach.lesson.pictures import Axis, Bar, Bars, Curves, Graph, Series
from looptax.bench.teach.lesson.words import LANGUAGES, Words
from looptax.kernels.ladder import LADDER
from looptax.kernels.parts.numba_link import loss_and_dz
from looptax.pyimpl import python_array
from rich.console import Console

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
UNITS = r"(?:×|x\b|ns\b|µs|us\b|ms\b|s\b|%|B\b|[kMG]B|GFLOP|times\b|倍)"


def every(block):
    """A block, and those in it where it is an exercise."""
    return [block, *(text.blocks(block.body) if block.kind == "exercise" else [])]


@pytest.fixture(params=CHAPTERS)
def name(request):
    return request.param


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


class TestTexts:
    def test_both_languages_have_the_same_sections_and_figures(self, name):
        english, chinese = (
            [part for block in text.chapter(name, language).blocks for part in every(block)] for language in LANGUAGES
        )
        assert [block[:2] for block in english] == [block[:2] for block in chinese]
        for ours, theirs in zip(english, chinese, strict=True):
            assert ours.body.count("\n### ") == theirs.body.count("\n### ")
            assert expressions(ours.body) == expressions(theirs.body)
            if ours.kind in ("python", "math"):
                assert ours.body == theirs.body
            elif ours.kind != "exercise":
                assert re.search("[\u4e00-\u9fff]", theirs.body), theirs.body

    def test_every_chapter_has_a_picture_a_table_a_guess_and_one_exercise(self, name, language):
        kinds = [block.kind for block in text.chapter(name, language).blocks]
        assert {"picture", "table", "guess"} <= set(kinds)
        assert kinds.count("exercise") == 1
        assert kinds[-1] == "exercise"

    def test_there_is_a_guess_before_each_table(self, name):
        kinds = [block.kind for block in text.chapter(name, "en").blocks if block.kind in ("guess", "table")]
        assert kinds[0] == "guess"
        assert all("guess" in pair for pair in pairwise(kinds)), kinds

    def test_what_is_found_is_shown_and_what_is_shown_is_found(self, name, found):
        it = found[name]
        blocks = text.chapter(name, "en").blocks
        for kind, there in (("table", it.tables()), ("picture", it.pictures()), ("listing", it.listings())):
            wanted = [block.arguments[0] for block in blocks if block.kind == kind]
            assert sorted(set(wanted)) == sorted(
                {*there, *(["shared"] if name == "ladder" and kind == "table" else [])}
            )

    def test_guesses_are_of_positive_numbers_in_a_known_unit(self, name, found):
        for block in text.chapter(name, "en").blocks:
            if block.kind == "guess":
                attribute, unit = block.arguments
                assert unit in guesses.UNITS
                assert (value := getattr(found[name], attribute)) is None or value > 0

    def test_no_measured_number_is_typed_in(self, name, language):
        """A digit with a unit behind it, outside what is filled in, code and exercises, was typed by somebody."""
        for block in text.chapter(name, language).blocks:
            if block.kind in ("text", "table", "picture", "listing", "guess"):
                prose = re.sub(r"`[^`]*`", "", JINJA.sub("", block.body))
                typed = re.search(rf"\d(?:[\d.,]*\d)?\s?{UNITS}", prose)
                assert not typed or typed[0] in ("1×", "95 %", "95%"), f"{typed[0]!r} in {block.body}"

    def test_numbers_come_from_the_run(self, found, machine):
        """Other findings, other text."""
        it = dataclasses.replace(found["loop"], flops=found["loop"].flops * 3)
        shown = [said("loop", one, machine) for one in (found["loop"], it)]
        assert words.count(found["loop"].wasted) in shown[0]
        assert words.count(it.wasted) in shown[1]
        assert words.count(it.wasted) not in shown[0]

    def test_unknown_places_are_refused(self):
        with pytest.raises(ValueError, match=r"'\{tabel\} x' is no block of a chapter; there are: guess, table"):
            list(text.blocks("```{tabel} x\n```"))

    def test_code_that_only_stands_there_stays_text(self):
        (block,) = text.blocks("before\n\n```sh\nls\n```\n\nafter")
        assert block.kind == "text"
        assert "ls" in block.body


def expressions(body):
    """The Jinja expressions of a text, without the words in them."""
    return sorted({re.sub(r'"[^"]*"', '""', " ".join(one.split())) for one in JINJA.findall(body)})


def said(name, it, machine, language="en"):
    """The whole text of a chapter."""
    return "\n".join(text.say(block.body, it, machine) for block in text.chapter(name, language).blocks)


class TestAdapting:
    """A claim that fails on this machine is told as such."""

    @pytest.fixture
    def dots(self, found):
        def make(*ratios):
            one = found["vectorize"].dots[0]
            lines = [one._replace(n=10**k, arrays=ratio, lists=ratio / 4, dot=1.0) for k, ratio in enumerate(ratios)]
            return dataclasses.replace(found["vectorize"], dots=lines)

        return make

    @pytest.mark.parametrize(
        ("ratios", "expected", "absent"),
        [
            (
                (0.5, 3, 40, 30),
                '"A hundred times" does not hold on this machine: the most it gains is 40.0×',
                "holds from",
            ),
            (
                (0.5, 3, 90, 400),
                '"A hundred times" holds from n = 1,000 on, and is about right at n = 100.',
                "does not hold",
            ),
            (
                (0.5, 120, 900, 50),
                "holds from n = 10 on, up to 100, and is about right at n = 10, 1,000",
                "not fall again",
            ),
            ((0.2, 0.4, 0.7, 0.9), "`np.dot` is never faster than the loop", "is ahead"),
            ((2, 30, 200, 300), "`np.dot` is ahead from a single number on", "Then it falls"),
        ],
    )
    def test_a_hundred_times(self, dots, machine, ratios, expected, absent):
        shown = " ".join(said("vectorize", dots(*ratios), machine).split())
        assert expected in shown
        assert absent not in shown

    def test_it_falls_again(self, dots, machine):
        assert "Then it falls again, to 30.0× at n = 1,000" in " ".join(
            said("vectorize", dots(1, 5, 90, 30), machine).split()
        )
        assert "It does not fall again up to n = 1,000" in " ".join(
            said("vectorize", dots(1, 5, 50, 90), machine).split()
        )

    @pytest.mark.parametrize(
        ("factor", "expected"), [(30, "the claim does not hold here"), (90, "the claim holds"), (900, "too modest")]
    )
    def test_the_notes_claim_of_the_whole_step(self, found, machine, factor, expected):
        it = found["ladder"]
        changed = type("Changed", (type(it),), {"vectorizing": factor})
        shown = said("ladder", changed(**vars(it)), machine)
        assert expected in shown

    def test_one_pass_that_gains_nothing(self, found, machine):
        it = found["one_pass"]
        for gain, expected in ((1.8, "of at most two"), (1.0, "no faster than two"), (0.7, "*slower* than two")):
            last = it.shapes[-1]
            seconds = {**last.seconds, "cython-simd": gain * last.seconds["cython-fused"]}
            changed = dataclasses.replace(it, shapes=[*it.shapes[:-1], last._replace(seconds=seconds)])
            assert expected in said("one_pass", changed, machine)

    def test_numba_that_never_pays_against_numpy(self, found, machine):
        it = found["compiled"]
        for seconds, expected in ((1e9, "it takes"), (0.0, "Against NumPy it never does")):
            changed = dataclasses.replace(it, seconds={**it.seconds, "numpy-stable": seconds or 1e-12})
            assert expected in said("compiled", changed, machine)

    def test_one_cpu(self, found, machine):
        it = found["threads"]
        alone = Threads(1, [one._replace(shared=one.alone, chosen=1, eager=1.0) for one in it.shapes], 0.0, {1: 1e10})
        shown = said("threads", alone, machine)
        assert "There is one processor" in shown
        assert "Where they help" not in shown
        assert alone.gain is alone.pays is None
        hidden = [
            one.guess for one in page._pieces(text.chapter("threads", "en"), Writer(alone, Words("en"), machine), {})
        ]
        assert not any(hidden), "there is nothing to guess"

    def test_threads_that_hurt_and_that_do_not(self, found, machine):
        it = found["threads"]
        for eager, expected in ((0.25, "takes 4.00× as long with all threads"), (1.0, "was hurt by them in this run")):
            changed = dataclasses.replace(it, threads=2, shapes=[one._replace(eager=eager) for one in it.shapes])
            assert expected in " ".join(said("threads", changed, machine).split())

    def test_threads_pay_where_two_sizes_in_a_row_say_so(self, found):
        one = found["threads"].shapes[0]
        ratios = (1.2, 0.9, 1.5, 0.5, 1.6, 1.7)
        shapes = [one._replace(samples=10**k, alone=ratio, shared=1.0) for k, ratio in enumerate(ratios)]
        assert Threads(2, shapes, 0.0, {1: 1.0, 2: 2.0}).pays == 10**4
        assert [shape.samples for shape in Threads(2, shapes[2:], 0.0, {1: 1.0}).odd] == []

    def test_a_rate_that_is_too_large_but_arrives(self, found, machine):
        it = found["cost"]
        journey = it.journeys["too large"]
        arrived = journey._replace(costs=[*journey.costs[:-1], it.least])
        changed = dataclasses.replace(it, journeys={**it.journeys, "too large": arrived})
        assert "never settles" in said("cost", it, machine)
        assert "gets there too" in said("cost", changed, machine)


class TestFindings:
    def test_the_right_rate_arrives_first_and_the_large_one_jumps(self, found):
        it = found["cost"]
        slow, right = (it.journeys[name].arrives(it.least) for name in ("too small", "right"))
        assert right < slow
        assert it.journeys["right"].rises == it.journeys["too small"].rises == 0
        assert it.journeys["too large"].rises > 10
        assert it.start == pytest.approx(np.log(2))
        assert it.convex == it.pairs

    def test_the_error_curve_turns(self, found):
        it = found["slopes"]
        assert 1e-10 < it.best_step < 1e-6
        assert it.finer < it.least_error < it.last_error
        assert it.worst < 1e-8

    def test_a_wrong_line_of_the_table_would_show(self):
        wrong = slopes.Entry("x² → 3x", lambda x: x * x, lambda x: 3 * x, -3, 3)
        assert slopes._try(wrong).error > 0.1

    def test_graphs_have_the_notes_values(self, found):
        it = found["graph"]
        assert (it.J["J"].value, it.J["v"].grad, it.J["a"].grad, it.J["b"].grad, it.J["c"].grad) == (33, 3, 3, 6, 9)
        assert it.L["z"].grad == pytest.approx(it.L["a"].value - it.L["y"].value)
        assert it.L["w1"].grad == pytest.approx(it.L["x1"].value * it.L["z"].grad)
        assert ("a", "L") in it.logistic.arrows
        assert it.nudged < 1e-6

    def test_bytecode_is_of_the_inner_loop(self, found):
        shown = found["loop"].listings()["inner"]
        assert shown.count("*") == 1
        assert "FOR_ITER" in shown.splitlines()[0]
        assert "JUMP_BACKWARD" in shown.splitlines()[-1]
        assert len(listings.loops(python_array.double_loop)) == 3

    def test_simd_shows_packed_and_scalar_loops(self, found):
        it = found["simd"]
        assert it.loops["sum_in_order"].packed == 0
        assert it.loops["sum_in_any_order"].packed > 0
        assert it.loops["sigmoid_called"].packed is None
        assert it.loops["sigmoid_polynomial"].packed > 20
        assert it.hot["scalar"]
        assert it.hot["packed"]
        assert it.left != it.right

    def test_the_loops_of_simd_compute_what_they_say(self):
        from looptax.bench.teach.lesson.chapters import simd_loops

        z = np.random.default_rng(0).uniform(-4, 4, 1001)
        expected = (1 / (1 + np.exp(-z))).sum()
        assert simd_loops.sigmoid_called(z) == pytest.approx(expected, rel=1e-13)
        assert simd_loops.sigmoid_polynomial(z) == pytest.approx(expected, rel=1e-13)
        assert simd_loops.sum_in_order(z) == pytest.approx(z.sum(), abs=1e-10)
        assert simd_loops.sum_in_any_order(z) == pytest.approx(z.sum(), abs=1e-10)
        assert loss_and_dz(0.0, 0.0)[1] == 0.5

    def test_the_ladder_has_every_rung_with_a_number(self, found):
        lines = found["ladder"].tables()["alone"].lines
        assert [line.cells[0] for line in lines] == [rung.name for rung in LADDER]
        assert all(len(line.cells) == len(found["ladder"].tables()["alone"].columns) for line in lines)
        assert all(not line.note for line in lines)

    def test_another_machine_is_never_slower(self, found):
        here, *others = found["ladder"].machines
        assert all(one.seconds <= here.seconds for one in others)
        assert found["ladder"].over_least > 1


class TestListings:
    def test_code_is_the_files_own(self, name):
        """Every line shown stands in the file, in the same order."""
        for block in text.chapter(name, "en").blocks:
            if block.kind == "source":
                file, *names = block.arguments
                shown = listings.source(file, names)
                lines = [line.rstrip('"') for line in listings.path(file).read_text(encoding="utf-8").splitlines()]
                places = [lines.index(line.rstrip('"')) for line in shown.splitlines() if line.strip()]
                assert len(places) >= 2
                compile(shown, file, "exec") if file.endswith(".py") else None

    def test_a_docstring_is_cut_to_its_first_line(self):
        shown = listings.source("pyimpl/python_array.py", ["double_loop"])
        assert '"""Loop over samples, and twice over the features of each; add the gradient to `dw`."""' in shown
        assert "Parameters" not in shown
        assert shown.endswith("return cost / m, db / m")

    @pytest.mark.parametrize("file", ["pyimpl/python_array.py", "kernels/cython_serial.pyx"])
    def test_a_function_that_is_gone_is_missed(self, file):
        with pytest.raises(ValueError, match="there is no function 'nothing'"):
            listings.source(file, ["nothing"])

    def test_imports_are_written_for_outside(self):
        shown = listings.imports("kernels/numba_serial.py")
        assert "from looptax.pyimpl.parts.contract import Step, check" in shown
        assert "from looptax.kernels.parts.numba_jit import compiled, readonly" in shown
        assert "from looptax.pyimpl import python_array, one_sample" in shown
        namespace = {}
        exec(shown + "\n" + listings.source("kernels/numba_serial.py", ["_double_loop", "step"]), namespace)
        assert namespace["step"](np.ones((4, 2)), np.array([0, 1, 1, 0]), np.zeros(2), 0.0).cost == pytest.approx(
            np.log(2)
        )


class TestGuesses:
    @pytest.mark.parametrize(
        ("typed", "value"),
        [
            ("30", 30),
            (" 1e-8 ", 1e-8),
            ("10^-8", 1e-8),
            ("1,000", 1000),
            ("100x", 100),
            ("100 ×", 100),
            ("50%", 50),
            ("2^3", 8),
        ],
    )
    def test_are_read(self, typed, value):
        assert guesses.parse(typed) == pytest.approx(value)

    @pytest.mark.parametrize(
        "typed", ["", "many", "-3", "0", "nan", "inf", "1e999", "2^^3", "^3", "(-8)^0.5", "-8^0.5"]
    )
    def test_are_refused(self, typed):
        with pytest.raises((ValueError, OverflowError)):
            guesses.parse(typed)

    @pytest.mark.parametrize(
        ("guess", "expected"),
        [
            (100, "spot on"),
            (110, "spot on"),
            (40, "the right order"),
            (900, "within a factor"),
            (1e5, "off by a factor of 1,000"),
        ],
    )
    def test_are_judged_by_orders_of_magnitude(self, guess, expected):
        assert guesses.verdict(guess, 100, Words("en")).startswith(expected)

    def test_are_told_in_their_unit(self):
        told = guesses.told(50, 400e-9, guesses.UNITS["ns"], Words("en"))
        assert told == "You guessed 50 ns, measured: 400 ns — within a factor of ten."
        assert "50%" in guesses.told(50, 0.4, guesses.UNITS["percent"], Words("en"))


class TestWords:
    @pytest.mark.parametrize(
        ("write", "value", "expected"),
        [
            ("power", 1e-8, "10⁻⁸"), ("power", 3.16e-9, "3.2 × 10⁻⁹"), ("power", 0, "0"), ("power", 1.0, "10⁰"),
            ("percent", 0.083, "8.3%"), ("percent", 0.62, "62%"), ("percent", 1.2, "120%"),
            ("size", 160e6, "160 MB"), ("size", 24, "24 B"), ("rate", 3.4e10, "34 GB/s"), ("count", 1234.4, "1,234"),
            ("number", 1.7861, "1.79"), ("number", 12345, "12,345"),
        ],
    )  # fmt: skip
    def test_numbers(self, write, value, expected):
        assert words.FILTERS[write](value) == expected

    def test_a_reason_is_translated_behind_its_name(self):
        chinese = Words("zh")
        assert chinese("cython-serial: not built in a quick run").startswith("cython-serial: ")
        assert "quick" not in chinese("cython-serial: not built in a quick run")
        assert chinese("nobody knows: this") == "nobody knows: this"

    def test_chinese_has_a_word_for_everything(self, found, machine):
        """What the page asks for in Chinese, and has none for, is the name of a rung, code or a number."""
        asked = set()

        class Asked(Words):
            def __call__(self, phrase, **values):
                asked.add(phrase)
                return super().__call__(phrase, **values)

        for name in CHAPTERS:
            writer = Writer(found[name], Asked("zh"), machine)
            for block in text.chapter(name, "zh").blocks:
                writer.guess(block, "g") if block.kind == "guess" else writer.block(block)
        asked |= {said for _, said in guesses.VERDICTS}
        names = {rung.name for rung in LADDER}
        missing = {one for one in asked if Words("zh")(one) == one and re.search("[a-z]{3}", one)} - {"float"}
        missing = {
            one for one in missing if one.partition(" ×")[0] not in names and not re.search(r"→|[()=²_]|np\.", one)
        }
        assert not missing


class TestPictures:
    def test_all_are_drawn_in_both_ways(self, name, language, found):
        for picture in found[name].pictures().values():
            drawn = svg.draw(picture, Words(language))
            assert drawn.startswith("<svg")
            assert "NaN" not in drawn
            assert "undefined" not in drawn
            assert len(render(plain.draw(picture, Words(language)))) > 3

    def test_points_without_a_number_are_left_out(self):
        curves = Curves(Axis("x"), Axis("y"), [Series("s", [1, 10, 100], [1.0, None, 3.0])])
        assert curves.series[0].points == [(1, 1), (100, 3)]
        assert svg.draw(curves, Words("en")).startswith("<svg")
        bars = Bars(Axis("time", "seconds"), [Bar("a", 1.0, "numpy"), Bar("b", None, "numpy")])
        assert ">b</text>" in svg.draw(bars, Words("en"))

    def test_a_graph_is_a_tree_in_the_terminal(self, found):
        picture = found["graph"].pictures()["simple"]
        assert isinstance(picture, Graph)
        lines = render(plain.draw(picture, Words("en")))
        assert lines[0].startswith("J = 3v: 33")
        assert any("u = bc: 6   dJ/du = 3" in line for line in lines)

    def test_a_table_keeps_brackets(self, found):
        assert any("w[j] * x[j]" in line for line in render(plain.table(found["loop"].tables()["pieces"], Words("en"))))

    @pytest.mark.parametrize("draw", [svg.draw, plain.draw])
    def test_something_else_is_refused(self, draw):
        with pytest.raises(TypeError, match="no picture is a str"):
            draw("a picture", Words("en"))


def render(thing):
    """What Rich prints, as lines."""
    console = Console(width=100)
    with console.capture() as captured:
        console.print(thing)
    return captured.get().splitlines()
