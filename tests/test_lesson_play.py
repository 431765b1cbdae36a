"""The lesson's pictures to play with: what the cache does is simulated once, and a browser plays just that."""

import json
from itertools import product
from unittest.mock import patch

import made_up
import numpy as np
import pytest
from looptax.bench.measure import limits
from looptax.bench.show import numbers
from looptax.bench.teach.lesson import cache, page, plain, play, svg
from looptax.bench.teach.lesson.cache import FREE, HIT
from looptax.bench.teach.lesson.chapters import growth, one_pass
from looptax.bench.teach.lesson.chapters.bounds import Bounded, Machine
from looptax.bench.teach.lesson.chapters.parts import QUICK
from looptax.bench.teach.lesson.pictures import Traffic
from looptax.bench.teach.lesson.words import LANGUAGES, Words
from terminal import printed

MEASURED = {"C": (0.1, 0.06), "F": (0.12, 0.11)}
TRAFFIC = Traffic(MEASURED, 240_000_000)
GROWTH = made_up.growth(growth.RUNGS)


class TestLines:
    def test_a_line_is_eight_features_in_rows_and_eight_samples_in_columns(self):
        rows, columns = (cache.lines(16, 24, order) for order in "CF")
        assert rows[0].tolist() == [0] * 8 + [1] * 8 + [2] * 8
        assert rows[:, 0].tolist() == list(range(0, 48, 3))
        assert columns[:, 0].tolist() == [0] * 8 + [1] * 8
        assert columns[0].tolist() == list(range(0, 48, 2))

    def test_each_tile_is_used_for_z_and_again_for_dw(self):
        assert cache.touched(cache.lines(4, 8, "C"), 2) == [0, 1, 0, 1, 2, 3, 2, 3]
        assert cache.touched(cache.lines(16, 2, "F"), 8) == [0, 2, 0, 2, 1, 3, 1, 3]
        assert cache.touched(cache.lines(8, 2, "F"), 4) == [0, 1, 0, 1] * 2, "each half needs the whole line"
        assert cache.touched(cache.lines(4, 8, "C"), 4) == [0, 1, 2, 3] * 2, "a tile of all samples is two passes"


class TestCache:
    def test_by_hand(self):
        assert cache.made_room([0, 0, 1, 1, 2, 2, 0], 2) == [FREE, HIT, FREE, HIT, 0, HIT, 1]
        assert cache.made_room([0, 1, 0, 2, 0, 1], 2) == [FREE, FREE, HIT, 1, HIT, 2], "what was just used stays"
        assert cache.made_room([0, 1, 0, 1], 1) == [FREE, 0, 1, 0]
        assert cache.made_room([3, 1, 3, 1], 2) == [FREE, FREE, HIT, HIT]

    @pytest.mark.parametrize("held", [1, 2, 3, 7, 20])
    def test_a_line_is_there_if_fewer_others_came_since(self, held):
        """Another way to tell, without a cache: the number of lines used since its last use."""
        used = np.random.default_rng(held).integers(0, 12, 500).tolist()
        for k, left in enumerate(cache.made_room(used, held)):
            before = used[:k]
            since = set(before[len(before) - before[::-1].index(used[k]) :]) if used[k] in before else None
            assert (left == HIT) == (since is not None and len(since) < held)

    @pytest.mark.parametrize("held", [1, 3, 12])
    def test_what_leaves_was_there_and_no_more_is_held(self, held):
        there = set()
        used = np.random.default_rng(1).integers(0, 20, 500).tolist()
        for line, left in zip(used, cache.made_room(used, held), strict=True):
            assert (line in there) == (left == HIT)
            if left >= 0:
                there.remove(left)
            there.add(line)
            assert len(there) <= held


class TestTraffic:
    """An X of 32 × 24 numbers has 96 lines: in C order 3 in a sample, in F order 4 in a feature."""

    @pytest.mark.parametrize(("order", "held"), [*product("CF", [1, 16, 32, 95])])
    def test_two_passes_read_every_line_twice_where_x_is_larger_than_the_cache(self, order, held):
        assert TRAFFIC.fetched(order, 32, held) == 192

    @pytest.mark.parametrize(("order", "tile"), [*product("CF", [2, 4, 8, 16, 32])])
    def test_every_line_comes_once_where_all_of_x_fits(self, order, tile):
        assert TRAFFIC.fetched(order, tile, 96) == TRAFFIC.fetched(order, tile, 128) == TRAFFIC.lines == 96

    @pytest.mark.parametrize(
        ("order", "tile", "held", "expected"),
        [
            ("C", 4, 12, 96),  # the tile has 12 lines
            ("C", 4, 11, 192),
            ("C", 8, 32, 96),
            ("C", 16, 32, 192),  # 48
            ("F", 8, 24, 96),  # a line in each of 24 columns
            ("F", 8, 23, 192),
            ("F", 4, 24, 96),  # the same ones for two tiles, and they are still there
            ("F", 4, 23, 384),  # or are not: 8 tiles, twice 24 lines each
            ("F", 2, 16, 768),  # 16 tiles
            ("F", 2, 32, 96),
            ("F", 16, 32, 192),  # two lines in each column
        ],
    )
    def test_one_pass(self, order, tile, held, expected):
        assert TRAFFIC.fetched(order, tile, held) == expected

    def test_the_still_has_the_four_cases(self):
        assert [(bar.name, bar.value) for bar in TRAFFIC.still.bars] == [
            ("C: two passes", 192), ("C: tile: 4", 96), ("F: two passes", 192), ("F: tile: 4", 96)
        ]  # fmt: skip
        assert svg.draw(TRAFFIC, Words("en")).startswith("<svg")

    def test_the_terminal_has_all_cases(self, language):
        shown = printed(plain.draw(TRAFFIC, Words(language)), width=80)
        rows = [line.split()[-3:] for line in shown.splitlines() if line.startswith(("C", "F"))]
        assert rows[0] == ["192", "192", "96"]
        assert ["384", "96", "96"] in rows
        assert len(rows) == 10

    def test_what_the_page_gets_is_small_and_is_what_the_cache_did(self):
        made = play.data(TRAFFIC)
        assert len(json.dumps(made)) < 50_000
        for order, tile, held in product("CF", (2, 4, 8, 16, 32), TRAFFIC.caches):
            run = made["runs"][order][tile]
            assert len(run["touched"]) == len(run["left"][held])
            assert sum(left != HIT for left in run["left"][held]) == TRAFFIC.fetched(order, tile, held)


class TestGrowth:
    def test_a_read_takes_what_the_limits_say(self):
        for m, n in ((100, 3), (2000, 30), (10_000, 300)):
            figure = made_up.figure("cython-fused", 1e-3, source=f"{m}x{n}")
            known = limits.Limits([limits.Bandwidth(1, *one) for one in GROWTH.read], [limits.Fma("float64", 1, 1)], 0)
            memory = next(one.seconds for one in limits.bounds(figure, known) if one.resource == "memory")
            assert GROWTH.reading(8 * m * n) == pytest.approx(memory)

    def test_the_table_has_the_corners_and_the_middle(self, language):
        lines = GROWTH.table.lines
        assert [line.cells[0] for line in lines[:3]] == ["100 × 3", "100 × 30", "100 × 300"]
        assert lines[-1].cells[2:4] == (numbers.seconds(1e-6 + 3e-3), numbers.seconds((1e-6 + 3e-3) / 2))
        assert len(lines) == 9
        shown = printed(plain.draw(GROWTH, Words(language)), width=80)
        assert max(map(len, shown.splitlines())) <= 80
        assert "L2 512 KiB" in shown

    def test_what_is_timed_is_the_rungs_on_the_shapes(self):
        """Whichever numbers X has, and in either order, all rungs find the same."""
        for X in (growth.drawn(60).reshape(20, 3), growth.drawn(60).reshape(3, 20).T):
            found = [call() for call in growth.calls(growth.RUNGS, X).values()]
            for one in found:
                assert one.cost == pytest.approx(found[0].cost)
                assert one.dw == pytest.approx(found[0].dw)

    def test_a_large_x_repeats_what_was_drawn(self):
        with patch.object(growth, "BLOCK", 10):
            assert growth.drawn(25).tolist() == [*growth.drawn(10), *growth.drawn(10), *growth.drawn(10)[:5]]

    def test_every_shape_is_measured_and_the_share_done_is_told(self, monkeypatch):
        told = []
        monkeypatch.setattr(limits, "here", made_up.limits)
        with patch.object(growth, "side_by_side", lambda calls, budget: dict.fromkeys(calls, 1e-6)):
            found = growth.measure(QUICK, told.append)
        samples, features = QUICK.grid
        assert list(found.seconds) == list(growth.RUNGS)
        assert all(np.shape(rows) == (len(samples), len(features)) for rows in found.seconds.values())
        assert told == sorted(told)


def test_nobody_plays_with_something_else():
    with pytest.raises(TypeError, match="nobody plays with a str"):
        play.data("a picture")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page of the one chapter, made up, in each language."""
    seconds = {one_pass.NUMPY: 0.2, one_pass.TWO: MEASURED["C"][0], one_pass.ONE: MEASURED["C"][1]}
    columns = {one_pass.TWO: MEASURED["F"][0], one_pass.ONE: MEASURED["F"][1]}
    known = made_up.limits()
    figure = made_up.figure(one_pass.ONE, seconds[one_pass.ONE], source="300000x100")
    least = Bounded(seconds[one_pass.ONE], Machine(1e-9, {1: 1e10}).bounds(figure, known))
    shapes = [one_pass.Passes(300_000, seconds, least)]
    it = one_pass.OnePass(shapes, known.rates(1), 1e12, GROWTH, columns)
    folder = tmp_path_factory.mktemp("play")
    with patch.object(page, "CHAPTERS", ("one_pass",)):
        for language in LANGUAGES:
            (folder / f"{language}.html").write_text(page.html({"one_pass": it}, language), encoding="utf-8")
    return folder


class Player:
    """A picture on the page: its controls are set as a reader sets them."""

    def __init__(self, browser, name):
        self.browser, self.place = browser, f"document.querySelector('[data-play={name}]')"

    def run(self, script):
        return self.browser.run(f"(() => {{ const play = {self.place}; return {script}; }})()")

    def slide(self, name, value):
        slider, event = f"play.querySelector('[name={name}]')", "new Event('input', {bubbles: true})"
        self.run(f"({slider}.value = {value}, {slider}.dispatchEvent({event}))")

    def click(self, selector):
        self.run(f"play.querySelector('{selector}').click()")

    def told(self, name):
        return self.run(f"play.querySelector('[name={name}]').value")

    def table(self):
        return self.run("[...play.querySelectorAll('tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))")


@pytest.fixture
def opened(browser, written):
    browser.open(written / "en.html")
    browser.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
    yield lambda name: Player(browser, name)
    assert browser.problems() == []
    assert len(browser.requests()) == 1


class TestGrowthOnThePage:
    def test_a_measured_shape_is_shown_as_measured(self, opened):
        shown = opened("growth")
        shown.slide("m", 4)
        shown.slide("n", 8)
        assert (shown.told("m_told"), shown.told("n_told")) == ("1,000", "300")
        seconds = 1e-6 + 3e-4
        assert shown.table()[0][1:] == [numbers.seconds(seconds), numbers.seconds(seconds / 3e5), "1.00×"]
        assert shown.table()[1][1:] == [numbers.seconds(seconds / 2), numbers.seconds(seconds / 6e5), "2.00×"]
        assert shown.table()[-1][1] == numbers.seconds(GROWTH.reading(8 * 300_000))
        assert shown.run("play.querySelector('.between').hidden && !play.querySelector('.measured').hidden")
        assert shown.told("held") == "X takes 2.29 MiB: L3 holds it."

    def test_a_shape_between_is_interpolated_and_says_so(self, opened):
        shown = opened("growth")
        shown.slide("m", 6)
        shown.slide("n", 4)
        m = 3162
        assert (shown.told("m_told"), shown.told("n_told")) == ("3,162", "30")
        low, high = (1e-6 + 1e-9 * 30 * one for one in (1_000, 10_000))
        share = np.log10(m / 1000)
        assert shown.table()[0][1] == numbers.seconds(low ** (1 - share) * high**share)
        assert shown.run("play.querySelector('.measured').hidden && !play.querySelector('.between').hidden")
        assert shown.run("play.querySelectorAll('.curve.guessed').length") == 0
        shown.slide("n", 5)
        assert shown.run("play.querySelectorAll('.curve.guessed').length") == len(growth.RUNGS)

    def test_the_sliders_end_where_the_measurements_do(self, opened):
        shown = opened("growth")
        for place, m, n in ((-99, "100", "3"), (99, "10,000", "300")):
            shown.slide("m", place)
            shown.slide("n", place)
            assert (shown.told("m_told"), shown.told("n_told")) == (m, n)
        assert shown.told("held") == "X takes 22.9 MiB: no cache holds it."

    def test_the_caches_are_drawn(self, opened):
        shown = opened("growth")
        drawn = shown.run("[...play.querySelectorAll('text.cache')].map((e) => e.textContent)")
        assert drawn == ["L1 32 KiB", "L2 512 KiB", "L3 8 MiB"]
        heights = shown.run("[...play.querySelectorAll('circle.here')].map((e) => Number(e.getAttribute('cy')))")
        assert heights == sorted(heights), "the faster, the lower"

    def test_numbers_are_written_as_everywhere(self, opened):
        shown = opened("growth")
        for write, name, values in (
            (numbers.seconds, "writeSeconds", [3.2e-10, 1e-9, 9.9999e-7, 1.2345e-5, 0.0876543, 3.0, 123.456]),
            (numbers.size, "writeSize", [24, 2400, 32768, 1 << 19, 123456, 1 << 23, 239_999_999, 3 << 30]),
            (numbers.times, "writeTimes", [0.9462, 1.0, 1.996, 17.04, 99.96, 1234.6]),
        ):
            assert shown.run(f"{values}.map({name})") == [write(value) for value in values]


class TestTrafficOnThePage:
    def test_step_by_step(self, opened):
        shown = opened("traffic")
        assert shown.told("place_told") == "0 / 192"
        for _ in range(12):  # the lines of the first tile, for z
            shown.click("[name=step]")
        assert (shown.told("fetched"), shown.told("hits")) == ("12", "0")
        assert "z of tile 1 of 8: this line comes from memory" in shown.run("play.querySelector('.status').textContent")
        shown.click("[name=step]")
        assert (shown.told("fetched"), shown.told("hits")) == ("12", "1")
        assert "dw of tile 1 of 8: this line is in the cache" in shown.run("play.querySelector('.status').textContent")
        held = shown.run("play.querySelectorAll('.stage .line.held').length")
        assert held == 12 + 11, "in X and, but that in use, in the cache"
        shown.click("[name=again]")
        assert shown.told("place_told") == "0 / 192"

    @pytest.mark.parametrize("order", cache.ORDERS)
    def test_at_the_end_the_counters_are_the_simulations(self, opened, order):
        shown = opened("traffic")
        shown.click(f"[name=order][value={order}]")
        for held, (place, tile) in product(TRAFFIC.caches, enumerate(TRAFFIC.tiles)):
            shown.click(f'[name=cache][value="{held}"]')
            shown.slide("tile", place)
            assert shown.told("tile_told") == str(tile)
            shown.slide("place", 9999)
            fetched, used = TRAFFIC.fetched(order, tile, held), len(TRAFFIC.touched(order, tile))
            assert (shown.told("fetched"), shown.told("hits")) == (str(fetched), str(used - fetched))
            assert shown.run("play.querySelector('[name=step]').disabled")
            lines = {row[0]: row[1:] for row in shown.table()}
            assert lines[f"{order}: lines from memory"] == [
                str(TRAFFIC.fetched(order, samples, held)) for samples in (TRAFFIC.samples, tile)
            ]
        assert lines[f"{order}: measured, X of 229 MiB"] == [numbers.seconds(one) for one in MEASURED[order]]

    def test_two_passes_are_played_too(self, opened):
        shown = opened("traffic")
        shown.click("[name=passes][value=two]")
        shown.slide("place", 9999)
        assert (shown.told("fetched"), shown.told("hits")) == ("192", "0")
        assert shown.run("play.querySelector('[name=tile]').disabled"), "they have no tile"

    def test_a_line_of_which_half_is_used_comes_whole(self, opened):
        shown = opened("traffic")
        shown.click("[name=order][value=F]")
        shown.click("[name=step]")
        heights = shown.run(
            "[...play.querySelectorAll('.stage .line.memory')].map((e) => Math.round(e.getAttribute('height')))"
        )
        assert heights[:2] == [79, 39]

    def test_nothing_plays_by_itself_and_play_can_be_paused(self, opened, browser):
        shown = opened("traffic")
        browser.run("new Promise((done) => setTimeout(done, 200))")
        assert shown.told("place_told") == "0 / 192"
        shown.click("[name=play]")
        browser.wait(f"{shown.place}.querySelector('[name=place]').value > 3")
        shown.click("[name=play]")
        stopped = shown.told("place")
        browser.run("new Promise((done) => setTimeout(done, 200))")
        assert shown.told("place") == stopped

    def test_what_is_played_ends(self, opened, browser):
        shown = opened("traffic")
        shown.slide("place", 188)
        shown.click("[name=play]")
        browser.wait(f"!{shown.place}.querySelector('.go').hidden")
        assert shown.told("place_told") == "192 / 192"


class TestPage:
    @pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
    def test_fits_the_window(self, browser, written, language, width, scheme):
        browser.open(written / f"{language}.html", width=width, scheme=scheme)
        browser.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.run("[...document.querySelectorAll('.stage')].every((e) => e.scrollWidth <= e.clientWidth)")
        assert browser.problems() == []

    def test_every_control_has_a_name(self, browser, written, language):
        browser.open(written / f"{language}.html")
        assert browser.run(
            "[...document.querySelectorAll('[data-play] :is(input, button)')]"
            ".every((e) => e.ariaLabel || e.labels.length || e.textContent.trim())"
        )
        assert browser.run("document.querySelectorAll('[data-play] svg[aria-label]').length") == 2

    def test_without_scripts_the_stills_are_shown(self, browser, written, language):
        browser.open(written / f"{language}.html", scripts=False)
        root = browser.send("DOM.getDocument", depth=-1)["root"]["nodeId"]
        for name in ("traffic", "growth"):
            node = browser.send("DOM.querySelector", nodeId=root, selector=f"[data-play={name}]")["nodeId"]
            outer = browser.send("DOM.getOuterHTML", nodeId=node)["outerHTML"]
            assert 'class="chart"' in outer
            assert "<input" not in outer
