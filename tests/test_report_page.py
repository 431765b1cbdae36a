"""The report's page in a browser: it opens, is drawn, can be read, and runs nothing of what a file says."""

import base64
import gzip
import json
import re

import pytest
from looptax.bench.show import report
from looptax.bench.show.report import page
from looptax.bench.show.result import SCHEMA, Document, Section
from looptax.bench.show.storage import plain
from made_up import HOSTILE, hostile
from msgspec.structs import replace


@pytest.fixture(scope="module")
def written(document, tmp_path_factory):
    """The page of the document."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.write(document, path)
    return path


class TestPage:
    def test_opens_without_errors_and_asks_for_nothing(self, browser, written):
        browser.open(written)
        assert browser.problems() == []
        asked = [address for address in browser.requests() if not address.startswith(("data:", "blob:"))]
        assert asked == [written.as_uri()]
        assert (
            browser.run("performance.getEntriesByType('resource').filter(e => !/^(data|blob):/.test(e.name)).length")
            == 0
        )
        assert written.stat().st_size < 5_000_000

    def test_charts_are_drawn(self, browser, written):
        browser.open(written)
        names = browser.run(
            "[...document.querySelectorAll('.chart')].map(c => [c.id, c.querySelectorAll('svg path, svg text').length])"
        )
        assert len(names) == 7
        assert all(marks > 20 for _, marks in names), names

    def test_the_selectors_change_table_and_charts(self, browser, written):
        browser.open(written)
        captions = "[...document.querySelectorAll('[aria-labelledby=h-ladder] .scroll:not([hidden]) caption')]"
        shown = f"{captions}.map(c => c.textContent)"
        chart = "document.querySelector('#chart-{} svg').innerHTML"
        for name, value, title in (
            ("source", "100x2", "100 × 2, float64, C order, 1 thread"),
            ("dtype", "float32", "100 × 2, float32, C order, 1 thread"),
            ("order", "F", "100 × 2, float32, F order, 1 thread"),
            ("threads", "2", "100 × 2, float32, F order, 2 threads"),
        ):
            before = {one: browser.run(chart.format(one)) for one in ("shares", "peers", "breakeven")}
            browser.choose(name, value)
            assert browser.run(shown) == [title]
            assert title in browser.run("document.querySelector('[role=status]').textContent")
            assert all(browser.run(chart.format(one)) != drawn for one, drawn in before.items())
        before = {one: browser.run(chart.format(one)) for one in ("parts", "breakeven")}
        browser.choose("input", "100 × 2, float64, C order")
        browser.choose("start", "first")
        assert all(browser.run(chart.format(one)) != drawn for one, drawn in before.items())

    def test_a_choice_without_figures_says_so(self, browser, document, tmp_path):
        cells = [one for one in document.looptax.cells if one.cell.source == "100x2" or one.cell.threads == 1]
        report.write(replace(document, looptax=replace(document.looptax, cells=cells)), tmp_path / "some.html")
        browser.open(tmp_path / "some.html")
        browser.choose("threads", "2")
        browser.choose("source", "1000x10")
        assert "Nothing was measured for this choice" in browser.run("document.querySelector('main').innerText")
        assert browser.problems() == []

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
    def test_looks_like_something(self, browser, written, width, scheme):
        browser.open(written, width=width, scheme=scheme)
        picture = base64.b64encode(browser.screenshot()).decode()
        colours, largest = browser.run(COLOURS % picture)
        assert colours > 200
        assert 0.3 < largest < 0.97  # most is paper, but not all

    @pytest.mark.parametrize("width", [1280, 390, 320])
    def test_fits_the_screen(self, browser, written, width):
        browser.open(written, width=width)
        assert browser.run("document.documentElement.scrollWidth") == width

    def test_text_has_contrast_in_light_and_dark(self, browser, written):
        for scheme in ("light", "dark"):
            browser.open(written, scheme=scheme)
            assert browser.run(CONTRAST) >= 4.5

    def test_dark_is_dark(self, browser, written):
        shade = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
        browser.open(written, scheme="dark")
        assert max(browser.run(shade)) < 50
        assert browser.run("getComputedStyle(document.querySelector('#chart-shares .role-axis-label text')).fill") == (
            browser.run("getComputedStyle(document.body).color")
        )
        browser.open(written, scheme="light")
        assert min(browser.run(shade)) > 200

    def test_without_scripts_one_choice_is_there(self, browser, written):
        browser.open(written, scripts=False)
        shown = "[...document.querySelectorAll('[aria-labelledby=h-ladder] table')].filter(t => t.checkVisibility())"
        assert browser.run(f"{shown}.map(t => t.caption.textContent)") == ["10,000 × 100, float64, C order, 1 thread"]
        assert not browser.run("document.querySelector('#choose').checkVisibility()")
        assert "need JavaScript" in browser.run("document.body.innerText")

    def test_a_screen_reader_finds_its_way(self, browser, written):
        browser.open(written)
        assert browser.run("document.documentElement.lang") == "en"
        assert browser.run("[...document.querySelectorAll('select')].every(s => s.labels.length === 1)")
        assert browser.run(
            "[...document.querySelectorAll('table')].every(t => t.caption && t.querySelector('th[scope=col]'))"
        )
        assert (
            browser.run(
                "document.querySelectorAll('.chart[aria-label], .chart [role=graphics-document][aria-label]').length"
            )
            == 7
        )
        assert browser.run("[...document.querySelectorAll('figure')].every(f => f.querySelector('details table'))")

    def test_a_chart_can_be_saved(self, browser, written):
        browser.open(written)
        saved = browser.run(
            "(async () => { let blob; const make = URL.createObjectURL;"
            " URL.createObjectURL = (made) => { blob = made; return make(made); };"
            " document.querySelector('#chart-shares').closest('.charts').querySelector('button').click();"
            " await new Promise((done) => setTimeout(done, 500)); return blob.text(); })()"
        )
        assert saved.startswith("<svg")
        assert "cython-tuned" in saved

    def test_an_unstable_run_says_so_at_the_top(self, browser, document, tmp_path):
        noise = replace(document.looptax.noise, unstable=["12% of the CPU time was stolen", HOSTILE])
        report.write(replace(document, looptax=replace(document.looptax, noise=noise)), tmp_path / "unstable.html")
        browser.open(tmp_path / "unstable.html")
        told = browser.run("document.querySelector('[role=alert]').innerText")
        assert "unstable" in told
        assert "12% of the CPU time was stolen" in told
        assert HOSTILE in told
        assert browser.run("document.querySelector('[role=alert]').getBoundingClientRect().top") < 300

    def test_an_unstable_run_has_no_headline(self, browser, document, tmp_path):
        noise = replace(document.looptax.noise, unstable=["12% of the CPU time was stolen"])
        report.write(replace(document, looptax=replace(document.looptax, noise=noise)), tmp_path / "unstable.html")
        browser.open(tmp_path / "unstable.html")
        assert browser.run("document.title") == "looptax: This run was unstable"
        assert browser.run("[...document.querySelectorAll('h1')].map(h => h.innerText)") == ["This run was unstable"]
        assert "×" not in browser.run("document.querySelector('header').innerText").replace("samples × features", "")
        assert "×" in browser.run("document.querySelector('main').innerText")

    def test_a_rung_alone_has_no_headline(self, browser, result_document, tmp_path):
        report.write(result_document(("cython-tuned", [1.0, 1.1, 0.9] * 3)), tmp_path / "alone.html")
        browser.open(tmp_path / "alone.html")
        assert browser.run("document.querySelector('h1').innerText") == "No speed-up was seen"

    def test_a_run_of_busy_cells_alone_makes_a_page_too(self, document):
        busy = [replace(one, cell=replace(one.cell, situation="four-callers")) for one in document.looptax.cells[:2]]
        assert "Nothing was measured" in page.html(replace(document, looptax=replace(document.looptax, cells=busy)))

    def test_a_floor_that_excludes_1_says_so(self, browser, document, tmp_path):
        cells = [replace(one, again=[1.2 * time for time in one.sweeps]) if one.again else one
                 for one in document.looptax.cells]  # fmt: skip
        report.write(replace(document, looptax=replace(document.looptax, cells=cells)), tmp_path / "twice.html")
        browser.open(tmp_path / "twice.html")
        told = browser.run("[...document.querySelectorAll('.tiles dd, .facts dd')].map(d => d.innerText)")
        assert sum("not 1" in text for text in told) == 2
        assert ", not 1) of its own time" in browser.run(
            "document.querySelector('[aria-labelledby=h-ladder]').innerText"
        )

    @pytest.mark.parametrize("width", [390, 360])
    def test_a_phone_shows_the_speed_ups_first(self, browser, written, width):
        browser.open(written, width=width)
        heads = browser.run(
            "[...document.querySelectorAll('[aria-labelledby=h-ladder] .scroll:not([hidden]) thead th')]"
            ".filter(h => h.getBoundingClientRect().width && h.getBoundingClientRect().right <= innerWidth)"
            ".map(h => h.innerText)"
        )
        assert heads[:4] == ["rung", "time", "absolute", "relative"]

    def test_the_ladder_says_each_rungs_technique(self, browser, written):
        browser.open(written)
        shown = browser.run("document.querySelector('[aria-labelledby=h-ladder] .scroll:not([hidden])').innerText")
        assert "technique" in shown
        assert "explicit vectors, a schedule, our own team" in shown

    @pytest.mark.parametrize("chart", ["shares", "breakeven", "peaks"])
    def test_every_label_stands_in_the_row_of_its_bar(self, browser, written, chart):
        browser.open(written)
        labels, names = (
            browser.run(
                f"[...document.querySelectorAll('#chart-{chart} {texts} text')].map(t => t.getBoundingClientRect())"
                ".map(r => Math.round((r.top + r.bottom) / 2)).sort((a, b) => a - b)"
            )
            for texts in (".mark-text.role-mark", "g[aria-label^=Y-axis] .role-axis-label")
        )
        assert len(labels) == len(names) > 3
        assert all(abs(one - other) <= 3 for one, other in zip(names, labels, strict=True))

    def test_the_limits_are_a_chart_and_their_table_is_folded(self, browser, written):
        browser.open(written)
        assert not browser.run("document.querySelector('[aria-labelledby=h-limits] table').checkVisibility()")
        assert browser.run("document.querySelector('#chart-reads svg').checkVisibility()")
        assert "41 ns" in browser.run("document.querySelector('[aria-labelledby=h-limits]').innerText")

    def test_hostile_text_is_text(self, browser, document, tmp_path):
        report.write(hostile(document), tmp_path / "hostile.html")
        browser.open(tmp_path / "hostile.html")
        assert browser.problems() == []
        assert browser.run("window.hostile") is None
        assert browser.run("document.scripts.length") == 4
        assert browser.run("document.images.length") == 0
        assert HOSTILE in browser.run("document.body.textContent")
        assert browser.run(HOVER) > 0  # tooltips that show the hostile name
        assert browser.run("window.hostile") is None
        assert browser.run("document.images.length") == 0

    def test_the_result_file_is_in_it(self, written, document):
        link = re.search(r'href="data:application/gzip;base64,([^"]+)"', written.read_text()).group(1)
        assert json.loads(gzip.decompress(base64.b64decode(link))) == plain(document)

    def test_rounds_stay_out_where_they_are_too_many(self, document, monkeypatch):
        monkeypatch.setattr(page, "EMBEDDED", 1000)
        packed = page._download(document).rpartition(",")[2]
        read = json.loads(gzip.decompress(base64.b64decode(packed)))
        assert all(entry["stats"]["data"] == [] for entry in read["benchmarks"])
        assert read["looptax"]["cells"] == plain(document)["looptax"]["cells"]

    def test_a_bare_matrix_makes_a_page_too(self, browser, document, tmp_path):
        """One sweep and nothing else."""
        cells = [replace(one, sweeps=one.sweeps[:1], again=None) for one in document.looptax.cells]
        report.write(Document(Section(SCHEMA, cells)), tmp_path / "bare.html")
        browser.open(tmp_path / "bare.html")
        assert browser.problems() == []
        assert "too few sweeps" in browser.run("document.body.innerText")

    def test_nothing_measured_makes_a_page_too(self, browser, document, tmp_path):
        cells = [replace(one, sweeps=[], status="over budget", again=None) for one in document.looptax.cells]
        report.write(Document(Section(SCHEMA, cells)), tmp_path / "none.html")
        browser.open(tmp_path / "none.html")
        assert browser.problems() == []
        assert "Nothing was measured" in browser.run("document.querySelector('h1').innerText")


# Of a PNG: how many colours it has, and the share of the commonest.
COLOURS = """(async () => {
  const image = new Image();
  image.src = "data:image/png;base64,%s";
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
  return [counts.size, Math.max(...counts.values()) / pixels.length];
})()"""


# The worst contrast of any text on the page, by the formula of WCAG 2.
CONTRAST = """(() => {
  const light = (colour) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = 21;
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || e.closest(".values_marks, script, style")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest("svg") ? style.fill : style.color), light(behind(e))].sort((x, y) => y - x);
    worst = Math.min(worst, (a + 0.05) / (b + 0.05));
  }
  return worst;
})()"""


# Points at every bar, and counts the tooltips with hostile text.
HOVER = """(async () => {
  let seen = 0;
  for (const mark of document.querySelectorAll("#chart-heat .mark-rect path, #chart-parts .mark-rect path")) {
    const { x, y, width, height } = mark.getBoundingClientRect();
    const at = { bubbles: true, clientX: x + width / 2, clientY: y + height / 2 };
    mark.dispatchEvent(new MouseEvent("mousemove", at));
    mark.dispatchEvent(new PointerEvent("pointermove", at));
    mark.dispatchEvent(new MouseEvent("mouseover", at));
    await new Promise((done) => setTimeout(done, 1));
    seen += document.querySelector("#vg-tooltip-element")?.textContent.includes("hostile") ? 1 : 0;
  }
  return seen;
})()"""
