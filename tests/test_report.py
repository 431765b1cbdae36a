"""The report: its figures, its page in a browser, its exports, and files that are none."""

import base64
import csv
import gzip
import io
import json
import os
import re
from itertools import pairwise

import pytest
import report_document
from browser import chromium
from looptax.bench import cli
from looptax.bench.show import ratios, report, results
from looptax.bench.show.report import breakeven, datasets, ladders, page, tables
from typer.testing import CliRunner

HOSTILE = "</script><script>window.hostile = 1</script><img src=x onerror='window.hostile = 2'>|=1+1"


@pytest.fixture(scope="module")
def document():
    return report_document.document()


@pytest.fixture(scope="module")
def written(document, tmp_path_factory):
    """The page of the document."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.write(document, path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def cell(document, **wanted):
    """The document's entry of a cell."""
    return next(c for c in document["looptax"]["cells"] if wanted.items() <= c["cell"].items())


def ladder(found, **wanted):
    """The ladder of a choice."""
    return next(one for one in found if wanted.items() <= one.choice._asdict().items())


class TestLadders:
    def test_speed_ups_are_ratios_of_the_sweeps(self, document):
        here = {"source": "1000x100", "dtype": "float64", "order": "C"}
        found = ladder(ladders.ladders(document), **here, threads="1")
        rows = {row.rung: row for row in found.rows}
        first, above, own, last, peer = (
            cell(document, rung=rung, threads=1, **here)["seconds"]
            for rung in ("python-array", "numpy-notes", "numpy-stable", "cython-tuned", "peer-numpy")
        )
        assert rows["numpy-stable"].absolute == ratios.ratio(first, own)
        assert rows["numpy-stable"].relative == ratios.ratio(above, own)
        assert rows["peer-numpy"].relative == ratios.ratio(last, peer)
        assert rows["python-array"].absolute is rows["python-array"].relative is None

    def test_a_rung_without_a_number_is_passed_over_and_explained(self, document):
        found = ladder(ladders.ladders(document), source="100000x30", dtype="float64", order="C", threads="1")
        assert found.first == "python-floats"
        line = tables.ladder_table(found).lines[0]
        assert line.cells == ("python-array",)
        assert line.note == "over budget: 9 calls would need more than 5 s"

    def test_an_interval_around_1_is_no_difference(self):
        assert tables.speedup(ratios.Ratio(1.02, 0.99, 1.05, 5)) == "no difference seen"
        assert tables.speedup(ratios.Ratio(1.02, 1.01, 1.03, 5)) == "1.02×"
        assert tables.speedup(ratios.Ratio(1.02, None, None, 1)) == "1.02×"

    def test_a_ratio_the_other_way_round(self):
        assert tables.inverted(ratios.Ratio(2.0, 1.6, 2.5, 5)) == ratios.Ratio(0.5, 0.4, 0.625, 5)

    def test_more_than_the_limit_is_a_fault_of_the_limit(self, document):
        slow = {**document["looptax"]["limits"], "call_seconds": 1.0}
        found = ladders.ladders({**document, "looptax": {**document["looptax"], "limits": slow}})
        made = tables.ladder_table(found[0])
        assert float(made.lines[0].cells[-1].split("%")[0].replace(",", "")) > 100
        assert any("fault of the limit" in note for note in made.notes)

    @pytest.mark.parametrize(("value", "text"), [(1, "1.00"), (0.0123, "0.0123"), (99.96, "100"), (1234, "1,234")])
    def test_three_digits(self, value, text):
        assert tables.digits(value) == text


class TestBreakEven:
    def test_is_where_the_curves_cross(self, document):
        found = ladders.ladders(document)
        every = list(breakeven.break_even(found, document["looptax"]["rungs"]))
        crossing = [one for one in every if one.calls and one.calls < float("inf")]
        assert {one.rung for one in crossing} >= {"numba-simd", "cython-tuned"}
        for one in crossing:
            numpy = next(o for o in every if (o.choice, o.start, o.rung) == (one.choice, one.start, "numpy-stable"))
            assert one.fixed + one.calls * one.seconds == pytest.approx(numpy.fixed + one.calls * numpy.seconds)

    def test_compiling_counts_the_first_time_alone(self, document):
        found = ladders.ladders(document)[:1]
        fixed = {(o.rung, o.start): o.fixed for o in breakeven.break_even(found, document["looptax"]["rungs"])}
        assert fixed["numba-simd", "first"] == pytest.approx(0.4 + 3.5)
        assert fixed["numba-simd", "later"] == pytest.approx(0.4 + 0.06)
        assert fixed["cython-simd", "first"] == pytest.approx(0.1 + 21)


class TestDatasets:
    def test_labels_are_apart_and_in_order(self):
        rows = [{"value": value} for value in (1.0, 1.01, 1.02, 50.0)]
        datasets.spread_labels(rows, "value", [0.1, 100])
        labels = [row["label"] for row in rows]
        apart = 10 ** (3 * datasets.LINE / datasets.HEIGHT)
        assert all(b / a > 0.99 * apart for a, b in pairwise(labels))
        assert labels[-1] == pytest.approx(50)

    def test_roofs_meet_at_the_peak(self, document):
        points, roofs = datasets.roofline(ladders.ladders(document), document["looptax"]["limits"])
        slanted = [roof for roof in roofs if roof["y"] < roof["y2"]]
        assert slanted
        for roof in slanted:
            assert roof["y"] / roof["x"] == pytest.approx(roof["y2"] / roof["x2"])
        assert {(point["dtype"], point["intensity"]) for point in points} == {("float64", 0.5), ("float32", 1.0)}

    def test_shares_add_up(self, document):
        rows = datasets.parts([{**document["looptax"]["parts"][0], "seconds": {"call": 3.0, "Xw": -0.5, "link": 1.0}}])
        assert [(row["part"], row["share"]) for row in rows] == [("call", 0.75), ("link", 0.25)]


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
            ("source", "100x2", "100 × 2, float64, F order, 1 thread"),
            ("dtype", "float32", "100 × 2, float32, F order, 1 thread"),
            ("order", "C", "100 × 2, float32, C order, 1 thread"),
            ("threads", "2", "100 × 2, float32, C order, 2 threads"),
        ):
            before = {one: browser.run(chart.format(one)) for one in ("roofline", "peers", "breakeven")}
            browser.choose(name, value)
            assert browser.run(shown) == [title]
            assert title in browser.run("document.querySelector('[role=status]').textContent")
            assert all(browser.run(chart.format(one)) != drawn for one, drawn in before.items())
        before = {one: browser.run(chart.format(one)) for one in ("parts", "breakeven")}
        browser.choose("input", "100 × 2, float64, C order")
        browser.choose("start", "first")
        assert all(browser.run(chart.format(one)) != drawn for one, drawn in before.items())

    def test_a_choice_without_figures_says_so(self, browser, document, tmp_path):
        section = document["looptax"]
        cells = [c for c in section["cells"] if c["cell"]["source"] == "100x2" or c["cell"]["threads"] == 1]
        report.write({**document, "looptax": {**section, "cells": cells}}, tmp_path / "some.html")
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
        assert browser.run(
            "getComputedStyle(document.querySelector('#chart-roofline .role-axis-label text')).fill"
        ) == (browser.run("getComputedStyle(document.body).color"))
        browser.open(written, scheme="light")
        assert min(browser.run(shade)) > 200

    def test_without_scripts_one_choice_is_there(self, browser, written):
        browser.open(written, scripts=False)
        shown = "[...document.querySelectorAll('[aria-labelledby=h-ladder] table')].filter(t => t.checkVisibility())"
        assert browser.run(f"{shown}.map(t => t.caption.textContent)") == ["10,000 × 100, float64, F order, 1 thread"]
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
            " document.querySelector('#chart-roofline').closest('.charts').querySelector('button').click();"
            " await new Promise((done) => setTimeout(done, 500)); return blob.text(); })()"
        )
        assert saved.startswith("<svg")
        assert "cython-tuned" in saved

    def test_an_unstable_run_says_so_at_the_top(self, browser, document, tmp_path):
        section = document["looptax"]
        noise = {**section["noise"], "unstable": ["12% of the CPU time was stolen", HOSTILE]}
        report.write({**document, "looptax": {**section, "noise": noise}}, tmp_path / "unstable.html")
        browser.open(tmp_path / "unstable.html")
        told = browser.run("document.querySelector('[role=alert]').innerText")
        assert "unstable" in told
        assert "12% of the CPU time was stolen" in told
        assert HOSTILE in told
        assert browser.run("document.querySelector('[role=alert]').getBoundingClientRect().top") < 300

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
        assert json.loads(gzip.decompress(base64.b64decode(link))) == json.loads(json.dumps(document))

    def test_rounds_stay_out_where_they_are_too_many(self, document, monkeypatch):
        monkeypatch.setattr(page, "EMBEDDED", 1000)
        packed = page._download(document).rpartition(",")[2]
        read = json.loads(gzip.decompress(base64.b64decode(packed)))
        assert all(entry["stats"]["data"] == [] for entry in read["benchmarks"])
        assert read["looptax"]["cells"] == json.loads(json.dumps(document["looptax"]["cells"]))

    def test_a_bare_matrix_makes_a_page_too(self, browser, document, tmp_path):
        """One sweep and nothing else, as schema 1 had it."""
        cells = [{**c, "seconds": c["seconds"][:1], "again": None} for c in document["looptax"]["cells"]]
        section = {"schema": 2, "command": None, "settings": {}, "limits": None, "noise": None, "cells": cells}
        report.write({**document, "machine_info": {}, "looptax": section}, tmp_path / "bare.html")
        browser.open(tmp_path / "bare.html")
        assert browser.problems() == []
        assert "too few sweeps" in browser.run("document.body.innerText")

    def test_nothing_measured_makes_a_page_too(self, browser, document, tmp_path):
        cells = [{**c, "seconds": [], "status": "over budget", "again": None} for c in document["looptax"]["cells"]]
        section = {"schema": 2, "cells": cells}
        report.write({**document, "benchmarks": [], "looptax": section}, tmp_path / "none.html")
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


def hostile(document):
    """Return the document with hostile text wherever a file may have text."""
    poisoned = json.loads(json.dumps(document))
    poisoned["machine_info"]["cpu"]["brand"] = HOSTILE
    poisoned["machine_info"]["system"] = HOSTILE
    section = poisoned["looptax"]
    section["command"] = f"looptax run --json '{HOSTILE}'"
    for one in (*(c["cell"] for c in section["cells"]), *section["rungs"], *section["parts"], *section["growth"]):
        if one["rung"] == "cython-simd":
            one["rung"] = HOSTILE
    for one in section["cells"]:
        if one["reason"]:
            one["reason"] = "=cmd()" + HOSTILE
    return poisoned


class TestExports:
    def test_markdown_has_every_ladder_and_no_markup_of_others(self, document, tmp_path):
        report.write(hostile(document), tmp_path / "r.md")
        text = (tmp_path / "r.md").read_text()
        assert text.count("| version | time | GFLOP/s |") == len(ladders.ladders(document))
        assert not re.search(r"(?<!\\)<", text)
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table_rows(text, "absolute | relative")}
        assert widths == {len(tables.LADDER) + 1}

    def test_csv_has_every_cell_unrounded(self, document, tmp_path):
        report.write(document, tmp_path / "r.csv")
        rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
        found = results.figures(document)
        assert len(rows) == len(found)
        written = {(r["rung"], r["source"], r["dtype"], r["order"], int(r["threads"])): r["seconds"] for r in rows}
        assert all(written[f.cell[:5]] == ("" if f.seconds is None else repr(f.seconds)) for f in found)

    def test_csv_has_no_formulas(self, document, tmp_path):
        poisoned = hostile(document)
        poisoned["looptax"]["cells"][0]["cell"]["rung"] = "@SUM(A1)"
        report.write(poisoned, tmp_path / "r.csv")
        values = [v for row in csv.reader(io.StringIO((tmp_path / "r.csv").read_text())) for v in row]
        assert "'@SUM(A1)" in values
        assert any(v.startswith("'=cmd()") for v in values)
        assert not [v for v in values if v.startswith(("=", "+", "-", "@"))]


def table_rows(text, column):
    """Return the rows of all Markdown tables that have a column."""
    blocks = re.split(r"\n\s*\n", text)
    return [row for block in blocks if column in block for row in block.splitlines() if row.startswith("|")]


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(cli.app, ["report", *map(str, arguments)], env={"COLUMNS": "300"})

    @pytest.mark.parametrize("suffix", report.FORMATS)
    def test_writes(self, document, tmp_path, suffix):
        results.write(document, tmp_path / "r.json")
        done = self.run(tmp_path / "r.json", "-o", tmp_path / f"out{suffix}")
        assert done.exit_code == 0, done.output
        assert (tmp_path / f"out{suffix}").read_text() == report.FORMATS[suffix](document)

    @pytest.mark.parametrize(
        "text", ["", "{", "[1, 2]", '{"benchmarks": []}', '{"looptax": {"schema": 99}}', "\x00\x01", "null"]
    )
    def test_refuses_what_is_no_result(self, tmp_path, text):
        (tmp_path / "r.json").write_text(text)
        self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html")
        assert not (tmp_path / "out.html").exists()

    @pytest.mark.parametrize("bad", [-1.0, float("nan"), "fast", 0.0])
    def test_refuses_edited_times(self, document, tmp_path, bad):
        edited = json.loads(json.dumps(document))
        edited["looptax"]["cells"][0]["seconds"][0] = bad
        (tmp_path / "r.json").write_text(json.dumps(edited))
        self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html")

    def test_refuses_a_truncated_file(self, document, tmp_path):
        text = json.dumps(document)
        (tmp_path / "r.json").write_text(text[: len(text) // 2])
        self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html")

    def test_refuses_a_file_that_is_not_there(self, tmp_path):
        self.refused(tmp_path, tmp_path / "no.json", "-o", tmp_path / "out.html")

    def test_refuses_other_suffixes_and_folders(self, document, tmp_path):
        results.write(document, tmp_path / "r.json")
        assert ".html, .md, .csv" in self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.pdf")
        assert "cannot write" in self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "no" / "out.html")

    def refused(self, folder, *arguments):
        """Check that a command ends with 2 and one line, and leaves nothing behind; return what it said."""
        before = sorted(folder.iterdir())
        done = self.run(*arguments)
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        assert sorted(folder.iterdir()) == before
        return done.output

    def test_written_whole_or_not_at_all(self, document, tmp_path, monkeypatch):
        path = tmp_path / "out.md"
        path.write_text("before")
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            report.write(document, path)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == ["out.md"]
