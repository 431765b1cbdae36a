"""The lesson's texts: the same in both languages, no number typed in, and sentences that follow what was found."""

import copy
import dataclasses
import re
from itertools import pairwise

import made_up
import pytest
from looptax.bench.measure import noise
from looptax.bench.show import numbers
from looptax.bench.show.ladder import ladder
from looptax.bench.show.ratios import Ratio
from looptax.bench.show.report.inline import environment
from looptax.bench.show.result import Noise
from looptax.bench.teach.lesson import chapters, guesses, page, text, words
from looptax.bench.teach.lesson.chapters import CHAPTERS, growth, one_pass
from looptax.bench.teach.lesson.chapters.bounds import Bounded, Machine
from looptax.bench.teach.lesson.chapters.ladder import Rungs
from looptax.bench.teach.lesson.chapters.threads import Shared, Threads
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
        assert kinds[-2:] == ["exercise", "remember"]

    def test_what_to_remember_is_one_sentence(self, name, language):
        said = text.chapter(name, language).blocks[-1].body
        assert re.findall(r"[.!?](?=\s|$)|[。！？]", said) == [".", "。"][language == "zh" :][:1]
        assert said[-1] in ".。"

    def test_the_exercise_has_one_answer(self, name, language):
        exercise = next(block for block in text.chapter(name, language).blocks if block.kind == "exercise")
        kinds = [part.kind for part in text.blocks(exercise.body)]
        assert kinds.count("answer") == 1
        assert kinds[-1] == "answer"

    def test_what_is_announced_before_the_first_guess_is_shown(self):
        """The bowl that the first chapter speaks of: everything behind a guess is hidden."""
        kinds = [block.kind for block in text.chapter("cost", "en").blocks]
        assert kinds.index("picture") < kinds.index("guess")

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


BUSY = (1e-4, 30.0, 1.0, 4.0, 0.02, 1e-4, 30.0, 1.0, 4.0)  # how many times as fast, round by round
EVEN = Ratio(1.0, 0.99, 1.01, 5)


def shared(samples, ratio, eager=EVEN):
    """A shape where all threads are so many times as fast, in every round or in each."""
    return Shared(samples, ratio if ratio is BUSY else [ratio] * 9, [1.0] * 9, 1, eager)


def flat(name, it, language="en"):
    """The whole text of a chapter in one line."""
    return " ".join(said(name, it, language).split())


MACHINES = {  # what bounds a step of 1.2 ms on 40,000 × 30: it takes 0.96 ms of it, or what is said
    "memory": {"read": 1e10},
    "cache": {"read": 1e10, "memory": 1e9},
    "loss": {"loss": 2.4e-8},
    "arithmetic": {"flops": 5e9},
    "call": {"call": 9.6e-4},
    "sum": {"read": 2e10, "call": 3e-4},
    "program": {"read": 5e10, "memory": 1e9},  # 16 % of a step
    "fault": {"read": 5e9},
}
SENTENCES = {  # in chapters 8 and 11, and what they may say besides: (English, Chinese)
    "memory": (("This is the memory wall", "这就是内存墙"), ("memory bounds this step", "限制这一步的是内存")),
    "cache": (("how fast a cache delivers X", "缓存给出 X 的速度"), ("a cache bounds this step", "限制这一步的是缓存")),
    "loss": (
        ("the logarithm of every sample bound", "每个样本的指数和对数，"),
        ("computing bounds this", "的是计算，"),
    ),
    "arithmetic": (("multiplying and adding bound", "的是乘法和加法"), ("computing bounds this", "的是计算，")),
    "call": (("X is too small", "X 太小"), ("X is too small", "X 太小")),
    "sum": (("No part alone bounds", "没有哪一部分单独"), ("that alone does not bound", "单凭它限制不了这一步")),
    "program": (
        ("this limit is not what bounds the step, and neither is memory", "不是这个极限，也不是内存"),
        ("that is not what bounds the step", "限制这一步的不是它"),
    ),
    "fault": (("more than all of it", "超过了全部用时"), ("less than the least time", "比最少用时还短")),
}


@pytest.mark.parametrize("cause", MACHINES)
class TestWhatBounds:
    """At 16 % of the limit a chapter said "that is the memory wall"."""

    @pytest.fixture
    def machine(self, cause):
        """The limits of a machine on which this bounds the step."""
        given = {"read": 1e12, "memory": 1e10, "loss": 1e-12} | MACHINES[cause]
        rate, loss = given.pop("memory"), given.pop("loss")
        return made_up.limits(**given), Machine(loss, {1: rate})

    def check(self, shown, cause, chapter, language):
        """The sentence for the cause is said, and none of another's."""
        place = list(LANGUAGES).index(language)
        own = SENTENCES[cause][chapter][place]
        assert own in shown
        others = {both[chapter][place] for both in SENTENCES.values()} - {own}
        assert not [one for one in others if one in shown]

    def test_one_pass(self, cause, machine, language):
        limits, here = machine
        figure = made_up.figure("cython-fused", 1.2e-3, source="40000x30")
        least = Bounded(1.2e-3, here.bounds(figure, limits))
        assert least.cause == cause
        seconds = dict.fromkeys(one_pass.RUNGS, 1.2e-3)
        passes, grown = [one_pass.Passes(40000, seconds, least)], made_up.growth(growth.RUNGS)
        it = one_pass.OnePass(passes, limits.rates(1), 1e12, grown, seconds)
        self.check(flat("one_pass", it, language), cause, 0, language)
        assert it.tables()["passes"].lines[0].cells[-1] == least.limit.resource

    def test_the_ladder(self, cause, machine, language):
        limits, here = machine
        figures = [made_up.figure(name, time, source="40000x30") for name, time in LADDERS_ENDS]
        it = Rungs(ladder(figures, limits), None, limits, here)
        assert it.least.cause == cause
        shown = flat("ladder", it, language)
        self.check(shown, cause, 1, language)
        useless = {"en": "arithmetic would gain next to nothing", "zh": "运算快一倍，几乎没有好处"}[language]
        assert (useless in shown) == (cause == "memory")


LADDERS_ENDS = (("python-array", 1.0), ("cython-tuned", 1.2e-3))


def test_a_ladder_that_the_sweeps_do_not_decide_says_so():
    """An interval from 0.00003 to 34,045 is none."""
    limits, here = made_up.limits(), Machine(1e-9, {1: 1e10})
    figures = [
        made_up.figure("python-array", 1.0, source="40000x30"),
        made_up.figure("cython-simd", 1.2e-3, source="40000x30"),
        made_up.figure("cython-parallel", [1.2e-3, 1.0, 1.2e-6] * 3, source="40000x30"),
    ]
    it = Rungs(ladder(figures, limits), None, limits, here)
    line = it.tables()["alone"].lines[-1].cells
    assert line[3:5] == ("undecided", "")
    it.factor = None
    assert "The sweeps differ too much" in flat("ladder", it)


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
                '"A hundred times" holds from $n$ = 1,000 on, and is about right at $n$ = 100.',
                "does not hold",
            ),
            (
                (0.5, 120, 900, 50),
                "holds from $n$ = 10 on, up to 100, and is about right at $n$ = 10, 1,000",
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
        assert "Then it falls again, to 30.0× at $n$ = 1,000" in " ".join(said("vectorize", dots(1, 5, 90, 30)).split())
        assert "It does not fall again up to $n$ = 1,000" in " ".join(said("vectorize", dots(1, 5, 50, 90)).split())

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

    @pytest.mark.parametrize(
        ("factor", "expected"), [(0.5, "less than X grew"), (1.0, "about as much as X grew"), (2.0, "more than X grew")]
    )
    def test_a_step_that_grows_less_and_more_than_x(self, found, factor, expected):
        it = copy.copy(found["one_pass"])
        it.longer = factor * it.larger
        assert expected in flat("one_pass", it)

    @pytest.mark.parametrize(("gain", "beyond", "short"), [(0.9, True, True), (0.9, False, False), (1.6, True, False)])
    def test_short_pieces_of_columns_that_cost_what_a_read_does(self, found, gain, beyond, short):
        it = copy.copy(found["one_pass"])
        it.columns_gain, it.beyond = gain, beyond
        assert ("many short pieces more slowly" in flat("one_pass", it)) is short

    def test_numba_that_never_pays_against_numpy(self, found):
        it = found["compiled"]
        for seconds, expected in ((1e9, "it takes"), (0.0, "Against NumPy it never does")):
            changed = dataclasses.replace(it, seconds={**it.seconds, "numpy-stable": seconds or 1e-12})
            assert expected in said("compiled", changed)

    def test_one_cpu(self):
        alone = Threads(1, [shared(10**k, 1.0) for k in range(4)], 0.0, {1: 1e10}, True)
        shown = said("threads", alone)
        assert "There is one processor" in shown
        assert "Where they help" not in shown
        assert alone.gain is alone.pays is None
        hidden = [one.guess for one in page._pieces(text.chapter("threads", "en"), Writer(alone, Words("en")))]
        assert not any(hidden), "there is nothing to guess"

    @pytest.mark.parametrize(
        ("eager", "expected"),
        [
            (Ratio(0.25, 0.2, 0.3, 5), "takes 4.00× as long with all threads"),
            (Ratio(1.0, 0.98, 1.02, 5), "was hurt by them in this run"),
            (Ratio(0.25, 0.01, 6.0, 5), "this run does not decide"),
        ],
    )
    def test_threads_that_hurt_and_that_do_not(self, eager, expected):
        shapes = [shared(10**k, 1.0, eager=eager) for k in range(4)]
        assert expected in flat("threads", Threads(2, shapes, 0.0, {1: 1.0, 2: 2.0}, True))

    @pytest.mark.parametrize(
        ("ratios", "expected"),
        [
            ((1.2, 0.9, 1.5, 0.5, 1.6, 1.7), "From about 10,000 samples on, threads help."),
            ((0.9, 1.3, 1.4, 0.8), "Threads help at 10, 100 samples in this run."),
            ((0.9, 1.0, 1.01, 0.8), "At no size did threads help in this run."),
            ((BUSY, BUSY, BUSY, 1.5), "This run does not decide where threads help"),
            ((BUSY, 1.0, 1.5, 1.5), "From about 100 samples on, threads help."),
            ((1.0, BUSY, 1.5, 1.5), "From 100 samples on, threads help, and perhaps before."),
            ((1.5, 1.5, BUSY, BUSY), "This run does not decide where threads help"),
        ],
    )
    def test_threads_help_where_the_rounds_say_so(self, ratios, expected):
        """On a busy machine they were said to help from 30 samples on, though not at 3,000 and at 30,000."""
        shapes = [shared(10**k, ratio) for k, ratio in enumerate(ratios)]
        it = Threads(2, shapes, 0.0, {1: 1.0, 2: 2.0}, True)
        shown = flat("threads", it)
        assert expected in shown
        assert ("largest gain" in shown) == ("samples" in expected)
        sentences = ("on, threads help", "Threads help at", "At no size did", "This run does not decide where")
        assert sum(one in shown for one in sentences) == 1
        cells = [line.cells[4] for line in it.tables()["shapes"].lines]
        assert cells == ["undecided" if ratio is BUSY else numbers.times(ratio) for ratio in ratios]

    @pytest.mark.parametrize(
        ("ratio", "cached", "expected"),
        [
            (1.5, True, "It is read from a cache, so memory does not limit them"),
            (1.5, False, "no more than memory allows"),
            (BUSY, True, "What they gain on the largest X, this run does not decide."),
        ],
    )
    def test_memory_limits_threads_where_x_comes_from_memory(self, ratio, cached, expected):
        shown = flat("threads", Threads(2, [shared(10, ratio)], 0.0, {1: 1.0, 2: 1.5}, cached))
        assert expected in shown
        assert ("allow" in shown) == (not cached)

    def test_threads_that_read_more_slowly_than_one_were_disturbed(self):
        shown = flat("threads", Threads(2, [shared(10, 1.5)], 0.0, {1: 1.0, 2: 0.566}, False))
        assert "does not tell what limits them" in shown
        assert "On the largest X" not in shown

    def test_a_rate_that_is_too_large_but_arrives(self, found):
        it = found["cost"]
        journey = it.journeys["too large"]
        arrived = journey._replace(costs=[*journey.costs[:-1], it.least])
        changed = dataclasses.replace(it, journeys={**it.journeys, "too large": arrived})
        assert "never settles" in said("cost", it)
        assert "gets there too" in said("cost", changed)


NOISY = Noise(load=None, steal=0.1, mhz=None, spread=0.4, unstable=[], others=1.3)
RESTLESS = [*noise.reasons(NOISY, (0.5, 1.5)), *noise.reasons(NOISY, (1.2, 1.5))]


class TestRestless:
    """Where `looptax run` would warn, the lesson does."""

    def test_a_chapter_is_watched(self, monkeypatch):
        monkeypatch.setattr(noise.Watch, "report", lambda self, figures: NOISY)
        assert chapters.measure("slopes", True).unstable == list(noise.reasons(NOISY, None))

    def test_the_ladder_is_judged_as_a_run_is(self, found):
        cells = [figure.cell for figure in found["ladder"].figures]
        assert len(cells) >= len(LADDER)

    def test_the_page_says_it_at_the_top(self, found, language):
        quiet = {name: copy.copy(one) for name, one in found.items()}
        for one in quiet.values():
            one.unstable = []
        assert 'role="alert"' not in page.html(quiet, language)
        quiet["threads"].unstable = others = list(noise.reasons(NOISY, None))
        shown = page.html(quiet, language).partition("<nav")[0]
        assert text.chapter("threads", language).title in shown
        assert all(said in shown for said in Words(language).unstable(others))
        assert "1.3" in shown


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
        environment(page.__package__).get_template("play.html.j2").render(words=Asked("zh"))
        asked |= {said for _, said in guesses.VERDICTS}
        asked |= {said for said, _ in RESTLESS} | {words.UNSTABLE, "Interrupted.", "measuring"}
        names = {rung.name for rung in LADDER}
        missing = {one for one in asked if Words("zh")(one) == one and re.search("[a-z]{3}", one)} - {"float"}
        missing = {one for one in missing if not re.fullmatch("[0-9a-f]{16}", one)}  # digests
        missing = {
            one for one in missing if one.partition(" ×")[0] not in names and not re.search(r"→|[()=²_]|np\.", one)
        }
        assert not missing
