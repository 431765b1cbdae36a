"""The lesson's texts: the same in both languages, no number typed in, and sentences that follow what was found."""

import copy
import dataclasses
import re
from itertools import pairwise

import pytest
from looptax.bench.show import numbers
from looptax.bench.teach.lesson import guesses, page, text
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.chapters.threads import Threads
from looptax.bench.teach.lesson.page import Writer
from looptax.bench.teach.lesson.words import LANGUAGES, Words
from looptax.kernels.ladder import LADDER

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
UNITS = r"(?:×|x\b|ns\b|µs|us\b|ms\b|s\b|%|B\b|[kMG]B|GFLOP|times\b|倍)"


def every(block):
    """A block, and those in it where it is an exercise."""
    return [block, *(text.blocks(block.body) if block.kind == "exercise" else [])]


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

    def test_numbers_come_from_the_run(self, found):
        """Other findings, other text."""
        it = dataclasses.replace(found["loop"], flops=found["loop"].flops * 3)
        shown = [said("loop", one) for one in (found["loop"], it)]
        assert numbers.count(found["loop"].wasted) in shown[0]
        assert numbers.count(it.wasted) in shown[1]
        assert numbers.count(it.wasted) not in shown[0]

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


def said(name, it, language="en"):
    """The whole text of a chapter."""
    return "\n".join(text.say(block.body, it) for block in text.chapter(name, language).blocks)


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
    def test_a_hundred_times(self, dots, ratios, expected, absent):
        shown = " ".join(said("vectorize", dots(*ratios)).split())
        assert expected in shown
        assert absent not in shown

    def test_it_falls_again(self, dots):
        assert "Then it falls again, to 30.0× at n = 1,000" in " ".join(said("vectorize", dots(1, 5, 90, 30)).split())
        assert "It does not fall again up to n = 1,000" in " ".join(said("vectorize", dots(1, 5, 50, 90)).split())

    @pytest.mark.parametrize(
        ("factor", "expected"), [(30, "the claim does not hold here"), (90, "the claim holds"), (900, "too modest")]
    )
    def test_the_notes_claim_of_the_whole_step(self, found, factor, expected):
        it = found["ladder"]
        it = copy.copy(it)
        it.vectorizing = factor
        shown = said("ladder", it)
        assert expected in shown

    def test_one_pass_that_gains_nothing(self, found):
        it = found["one_pass"]
        for gain, expected in ((1.8, "of at most two"), (1.0, "no faster than two"), (0.7, "*slower* than two")):
            last = it.shapes[-1]
            seconds = {**last.seconds, "cython-simd": gain * last.seconds["cython-fused"]}
            changed = dataclasses.replace(it, shapes=[*it.shapes[:-1], last._replace(seconds=seconds)])
            assert expected in said("one_pass", changed)

    def test_numba_that_never_pays_against_numpy(self, found):
        it = found["compiled"]
        for seconds, expected in ((1e9, "it takes"), (0.0, "Against NumPy it never does")):
            changed = dataclasses.replace(it, seconds={**it.seconds, "numpy-stable": seconds or 1e-12})
            assert expected in said("compiled", changed)

    def test_one_cpu(self, found):
        it = found["threads"]
        alone = Threads(1, [one._replace(shared=one.alone, chosen=1, eager=1.0) for one in it.shapes], 0.0, {1: 1e10})
        shown = said("threads", alone)
        assert "There is one processor" in shown
        assert "Where they help" not in shown
        assert alone.gain is alone.pays is None
        hidden = [one.guess for one in page._pieces(text.chapter("threads", "en"), Writer(alone, Words("en")))]
        assert not any(hidden), "there is nothing to guess"

    def test_threads_that_hurt_and_that_do_not(self, found):
        it = found["threads"]
        for eager, expected in ((0.25, "takes 4.00× as long with all threads"), (1.0, "was hurt by them in this run")):
            changed = dataclasses.replace(it, threads=2, shapes=[one._replace(eager=eager) for one in it.shapes])
            assert expected in " ".join(said("threads", changed).split())

    def test_threads_pay_where_two_sizes_in_a_row_say_so(self, found):
        one = found["threads"].shapes[0]
        ratios = (1.2, 0.9, 1.5, 0.5, 1.6, 1.7)
        shapes = [one._replace(samples=10**k, alone=ratio, shared=1.0) for k, ratio in enumerate(ratios)]
        assert Threads(2, shapes, 0.0, {1: 1.0, 2: 2.0}).pays == 10**4
        assert [shape.samples for shape in Threads(2, shapes[2:], 0.0, {1: 1.0}).odd] == []

    def test_a_rate_that_is_too_large_but_arrives(self, found):
        it = found["cost"]
        journey = it.journeys["too large"]
        arrived = journey._replace(costs=[*journey.costs[:-1], it.least])
        changed = dataclasses.replace(it, journeys={**it.journeys, "too large": arrived})
        assert "never settles" in said("cost", it)
        assert "gets there too" in said("cost", changed)


class TestWords:
    @pytest.mark.parametrize(
        ("write", "value", "expected"),
        [
            ("power", 1e-8, "10⁻⁸"), ("power", 3.16e-9, "3.2 × 10⁻⁹"), ("power", 0, "0"), ("power", 1.0, "10⁰"),
            ("percent", 0.083, "8.3%"), ("percent", 0.62, "62%"), ("percent", 1.2, "120%"),
            ("size", 160 << 20, "160 MiB"), ("size", 24, "24 B"), ("rate", 3.4e10, "34 GB/s"),
            ("count", 1234.4, "1,234"),
            ("number", 1.7861, "1.79"), ("number", 12345, "12,345"),
        ],
    )  # fmt: skip
    def test_numbers(self, write, value, expected):
        assert text.FILTERS[write](value) == expected

    def test_a_reason_is_translated_behind_its_name(self):
        chinese = Words("zh")
        assert chinese("cython-serial: not built in a quick run").startswith("cython-serial: ")
        assert "quick" not in chinese("cython-serial: not built in a quick run")
        assert chinese("nobody knows: this") == "nobody knows: this"

    def test_chinese_has_a_word_for_everything(self, found):
        """What the page asks for in Chinese, and has none for, is the name of a rung, code or a number."""
        asked = set()

        class Asked(Words):
            def __call__(self, phrase, **values):
                asked.add(phrase)
                return super().__call__(phrase, **values)

        for name in CHAPTERS:
            writer = Writer(found[name], Asked("zh"))
            for block in text.chapter(name, "zh").blocks:
                writer.guess(block, "g") if block.kind == "guess" else writer.block(block)
        asked |= {said for _, said in guesses.VERDICTS}
        names = {rung.name for rung in LADDER}
        missing = {one for one in asked if Words("zh")(one) == one and re.search("[a-z]{3}", one)} - {"float"}
        missing = {
            one for one in missing if one.partition(" ×")[0] not in names and not re.search(r"→|[()=²_]|np\.", one)
        }
        assert not missing
