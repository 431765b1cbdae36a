"""The report: its figures, its exports, and files that are none."""

import csv
import io
import json
import os
import re

import pytest
from looptax.bench.show import numbers, ratios, report, storage, tables
from looptax.bench.show.ladder import ladders
from looptax.bench.show.report import breakeven, datasets, facts
from made_up import hostile
from msgspec.structs import replace
from terminal import command


def cell(document, **wanted):
    """The document's figure of a cell."""
    return next(one for one in document.looptax.cells if all(getattr(one.cell, k) == v for k, v in wanted.items()))


def ladder(found, **wanted):
    """The ladder of a choice."""
    return next(one for one in found if wanted.items() <= one.choice._asdict().items())


EVEN = [1.0, 1.1, 0.9] * 3  # seconds of nine sweeps
ALIKE = ("numpy-stable", EVEN), ("numpy-buffers", [1.1, 0.9, 1.0] * 3)


class TestLadders:
    def test_speed_ups_are_ratios_of_the_sweeps(self, document):
        here = {"source": "1000x100", "dtype": "float64", "order": "C"}
        found = ladder(ladders(document.looptax), **here, threads="1")
        rows = {row.rung: row for row in found.rows}
        first, above, own, last, peer = (
            cell(document, rung=rung, threads=1, **here).sweeps
            for rung in ("python-array", "numpy-notes", "numpy-stable", "cython-tuned", "peer-numpy")
        )
        assert rows["numpy-stable"].absolute == ratios.ratio(first, own)
        assert rows["numpy-stable"].relative == ratios.ratio(above, own)
        assert rows["peer-numpy"].relative == ratios.ratio(last, peer)
        assert rows["python-array"].absolute is rows["python-array"].relative is None

    def test_a_rung_without_a_number_is_passed_over_and_explained(self, document):
        found = ladder(ladders(document.looptax), source="100000x30", dtype="float64", order="C", threads="1")
        assert found.first == "python-floats"
        line = tables.ladder_table(found).lines[0]
        assert line.cells == ("python-array", "double loop, indexing a NumPy array")
        assert line.note == "over budget: 3 calls would need more than 1.7 s"

    def test_an_interval_around_1_is_no_difference(self):
        assert numbers.speedup(ratios.Ratio(1.02, 0.99, 1.05, 5)) == "≈1"
        assert numbers.speedup(ratios.Ratio(1.02, 1.01, 1.03, 5)) == "1.02×"
        assert numbers.speedup(ratios.Ratio(1.02, None, None, 1)) == "~1.02×"

    def test_more_than_the_limit_is_a_fault_of_the_limit(self, document):
        slow = replace(document.looptax.limits, call_seconds=1.0)
        found = ladders(replace(document.looptax, limits=slow))
        made = tables.ladder_table(found[0])
        limit = made.lines[0].cells[tables.LADDER.index("limit")]
        assert float(limit.split("%")[0].replace(",", "")) > 100
        assert any("fault of the limit" in note for note in made.notes)

    def test_no_difference_from_the_first_rung_is_seen_either(self, result_document):
        made = tables.ladder_table(ladders(result_document(*ALIKE).looptax)[0])
        absolute, relative = (made.columns.index(name) for name in ("absolute", "relative"))
        assert [(line.cells[absolute], line.cells[relative]) for line in made.lines] == [("1×", ""), ("≈1", "≈1")]

    def test_a_rung_that_differs_from_itself_is_marked(self, result_document):
        for factors, marked in (((0.99, 1.0, 1.01), False), ((1.09, 1.1, 1.12), True)):
            document = result_document(("numpy-stable", EVEN))
            document.looptax.cells[0].again = [a * b for a, b in zip(EVEN, 3 * factors, strict=True)]
            [note] = tables.ladder_table(ladders(document.looptax)[0]).notes
            [(_, floor)] = facts.noise(document.looptax)
            assert ("not 1" in note, "not 1" in floor) == (marked, marked)

    def test_an_input_larger_than_any_memory_has_a_limit(self, document):
        huge = replace(document.looptax.cells[0], samples=1 << 53, features=1 << 53)
        found = ladders(replace(document.looptax, cells=[huge]))
        assert found[0].rows[0].limit.resource == "memory"

    @pytest.mark.parametrize(("value", "text"), [(1, "1.00"), (0.0123, "0.0123"), (99.96, "100"), (1234, "1,234")])
    def test_three_digits(self, value, text):
        assert numbers.digits(value) == text


class TestBreakEven:
    def test_is_where_the_curves_cross(self, document):
        found = ladders(document.looptax)
        every = list(breakeven.break_even(found, document.looptax.rungs))
        crossing = [one for one in every if one.calls and one.calls < float("inf")]
        assert {one.rung for one in crossing} >= {"numba-simd", "cython-tuned"}
        for one in crossing:
            numpy = next(o for o in every if (o.choice, o.start, o.rung) == (one.choice, one.start, "numpy-stable"))
            assert one.fixed + one.calls * one.seconds == pytest.approx(numpy.fixed + one.calls * numpy.seconds)

    def test_compiling_counts_the_first_time_alone(self, document):
        found = ladders(document.looptax)[:1]
        fixed = {(o.rung, o.start): o.fixed for o in breakeven.break_even(found, document.looptax.rungs)}
        assert fixed["numba-simd", "first"] == pytest.approx(0.4 + 3.5)
        assert fixed["numba-simd", "later"] == pytest.approx(0.4 + 0.06)
        assert fixed["cython-simd", "first"] == pytest.approx(0.1 + 21)


class TestDatasets:
    def test_no_difference_has_no_colour(self, result_document):
        rows = datasets.heat(ladders(result_document(*ALIKE, ("cython-tuned", [time / 10 for time in EVEN])).looptax))
        assert [(row["text"], row["log"] is None) for row in rows] == [("1×", True), ("≈1", True), ("10.0×", False)]

    def test_colours_say_what_the_table_says(self, document):
        found = ladders(document.looptax)
        for choice, table in ((made.choice, made) for made in tables.numpy_tables(found)):
            rows = [row for row in datasets.heat(found) if choice.items() <= row.items()]
            cells = {(line.cells[0], shape): said for line in table.lines
                     for shape, said in zip(table.columns[1:], line.cells[1:], strict=True)}  # fmt: skip
            assert {(row["rung"], row["shape"]): row["said"] for row in rows} == cells
            assert all(("×" in row["said"] and row["said"] != "1×") == (row["log"] is not None) for row in rows)

    def test_bars_are_the_share_of_the_limit(self, document):
        found = ladders(document.looptax)[0]
        rows = datasets.shares([found])
        assert [row["share"] for row in rows] == [row.fraction for row in found.rows if row.fraction]
        assert [row["said"] for row in rows] == [tables.limited(row) for row in found.rows if row.fraction]

    def test_bars_begin_at_break_even(self, document):
        found = list(breakeven.break_even(ladders(document.looptax), document.looptax.rungs))
        rows = datasets.break_even(found)
        assert "numpy-stable" not in {row["rung"] for row in rows}
        for row in rows:
            one = next(one for one in found if (one.rung, one.start) == (row["rung"], row["start"])
                       and one.choice._asdict().items() <= row.items())  # fmt: skip
            if one.calls is None or one.calls >= datasets.CALLS:
                assert row["calls"] is None
            else:
                assert row["calls"] == max(1, one.calls)

    def test_shares_add_up(self, document):
        rows = datasets.parts([replace(document.looptax.parts[0], seconds={"call": 3.0, "Xw": -0.5, "link": 1.0})])
        assert [(row["part"], row["share"]) for row in rows] == [("call", 0.75), ("link", 0.25)]


class TestExports:
    def test_markdown_has_every_ladder_and_no_markup_of_others(self, document, tmp_path):
        report.write(hostile(document), tmp_path / "r.md")
        text = (tmp_path / "r.md").read_text()
        assert text.count("| rung | technique | time | absolute |") == len(ladders(document.looptax))
        assert not re.search(r"(?<!\\)<", text)
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table_rows(text, "absolute | relative")}
        assert widths == {len(tables.LADDER) + 1}

    def test_csv_has_every_cell_unrounded(self, document, tmp_path):
        report.write(document, tmp_path / "r.csv")
        rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
        found = document.looptax.cells
        assert len(rows) == len(found)
        written = {(r["rung"], r["source"], r["dtype"], r["order"], int(r["threads"])): r["seconds"] for r in rows}
        assert all(
            written[f.cell.rung, *f.cell.data, f.cell.threads] == ("" if f.seconds is None else repr(f.seconds))
            for f in found
        )

    def test_csv_has_no_formulas(self, document, tmp_path):
        poisoned = hostile(document)
        first = poisoned.looptax.cells[0]
        first.cell = replace(first.cell, rung="@SUM(A1)")
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
        return command("report", *arguments, columns=300)

    @pytest.mark.parametrize("suffix", report.FORMATS)
    def test_writes(self, document, tmp_path, suffix):
        storage.write(document, tmp_path / "r.json")
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
        edited = storage.plain(document)
        edited["looptax"]["cells"][0]["seconds"][0] = bad
        (tmp_path / "r.json").write_text(json.dumps(edited))
        self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html")

    @pytest.mark.parametrize(
        ("path", "value", "problem"),
        [
            (("looptax", "cells"), [], "Expected `array` of length >= 1 - at `$.looptax.cells`"),
            (("machine_info",), 3, "Expected `object`, got `int` - at `$.machine_info`"),
            (("machine_info", "cpu"), "Zen", "Expected `object`, got `str` - at `$.machine_info.cpu`"),
            (("machine_info", "cpu", "brand"), 7, "Expected `str | null`, got `int` - at `$.machine_info.cpu.brand`"),
            (("machine_info", "cpu", "caches"), {"L1": -1}, "at `$.machine_info.cpu.caches[...]`"),
            (("machine_info", "memory_bytes"), "much", "at `$.machine_info.memory_bytes`"),
            (("machine_info", "thread_pools"), ["openblas"], "at `$.machine_info.thread_pools[0]`"),
            (("machine_info", "packages"), ["numpy"], "at `$.machine_info.packages`"),
        ],
    )
    def test_refuses_edited_facts(self, document, tmp_path, path, value, problem):
        edited = place = storage.plain(document)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        (tmp_path / "r.json").write_text(json.dumps(edited))
        assert problem in " ".join(self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html").split())

    def test_refuses_a_truncated_file(self, document, tmp_path):
        text = json.dumps(storage.plain(document))
        (tmp_path / "r.json").write_text(text[: len(text) // 2])
        self.refused(tmp_path, tmp_path / "r.json", "-o", tmp_path / "out.html")

    def test_refuses_a_file_that_is_not_there(self, tmp_path):
        self.refused(tmp_path, tmp_path / "no.json", "-o", tmp_path / "out.html")

    def test_refuses_other_suffixes_and_folders(self, document, tmp_path):
        storage.write(document, tmp_path / "r.json")
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
