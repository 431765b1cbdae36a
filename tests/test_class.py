"""``looptax class``: made-up machines whose spread is known, and files that are left out by name."""

import json
import re
from math import log
from pathlib import Path
from statistics import median

import made_up
import numpy as np
import pytest
from looptax.bench.show import storage
from looptax.bench.show.machines.entry import entry, held_to
from looptax.bench.show.machines.gains import gains, goes_with
from looptax.bench.show.machines.gather import gathered
from looptax.bench.show.machines.groups import ALL, groups
from looptax.bench.show.machines.spread import Point, outliers, spread
from looptax.bench.show.machines.tables import gain_table, ladder_table, outlier_table
from looptax.bench.show.result import SCHEMA, Bandwidth, Fma, Guest, Limits
from looptax.kernels.ladder import LADDER
from made_up import HOSTILE
from msgspec.structs import replace
from terminal import command

FACTORS = {
    "ada": 1.0,
    "bob": 1.1,
    "cleo": 1.2,
    "dan": 1.3,
    "eva": 1.4,
    "fay": 9.0,
}  # NumPy's time over Cython's, over 4


def machine(name, over=1.0, *, cpus=2, level="x86_64_v3", read=1e10, **more):
    """A document of a machine on which `cython-tuned` is 4 × `over` as fast as NumPy, and twice that on all threads."""
    numpy = [1e-3 * drift for drift in (1.0, 1.1, 0.9, 1.05, 0.95, 1.02)]
    serial, tuned = [2 * time for time in numpy], [time / (4 * over) for time in numpy]
    figures = [
        made_up.figure("python-floats", [100 * time for time in numpy]),
        made_up.figure("numpy-stable", numpy),
        made_up.figure("cython-serial", serial),
        made_up.figure("cython-tuned", tuned),
        *([made_up.figure("numpy-stable", numpy, threads=cpus),
           made_up.figure("cython-tuned", [time / 2 for time in tuned], threads=cpus)] if cpus > 1 else ()),
    ]  # fmt: skip
    limits = Limits([Bandwidth(cpus, 1 << 30, read)], [Fma("float64", cpus, 1e11)], 1e-8)
    cpu = {"brand": f"CPU of {name}", "microarchitecture": "zen", "usable": cpus,
           "features": ["avx512f", "avx", "sse2"], "caches": {"L1": 1 << 15, "L2": 1 << 19, "L3": 1 << 23}}  # fmt: skip
    info = {"cpu": cpu, "memory_bytes": 1 << 33, "kernels": {"instruction_set": {"cython_tuned": level}}}
    made = replace(made_up.document(("100x2",), ("float64",)), looptax=made_up.section(*figures, limits=limits))
    made.machine_info, made.datetime, made.benchmarks = info, "2026-11-22T10:00:00+00:00", []
    made.machine_info |= more.pop("info", {})
    return replace(made, **more)


@pytest.fixture
def write(tmp_path):
    """Write documents as files, and return their paths."""

    def written(**documents):
        for name, document in documents.items():
            storage.write(document, tmp_path / f"{name}.json")
        return [tmp_path / f"{name}.json" for name in documents]

    return written


@pytest.fixture
def files(write):
    """The files of six machines."""
    return write(**{name: machine(name, over) for name, over in FACTORS.items()})


def of(found, **wanted):
    """The group of a choice."""
    return next(one for one in found if wanted.items() <= one.choice._asdict().items())


def line(table, name):
    """The cells of a table's row, by column."""
    return next(dict(zip(table.columns, one.cells, strict=False)) for one in table.lines if one.cells[0] == name)


class TestSpread:
    def test_the_numbers_are_those_of_plain_computation(self, files):
        entries, told = gathered(files)
        group = of(groups(entries), threads="1")
        over = [4 * factor for factor in FACTORS.values()]
        assert told == []
        assert [point.value for point in group.ratios["cython-tuned"]] == pytest.approx(over)
        assert [point.value for point in group.times["cython-tuned"]] == pytest.approx([1.01e-3 / r for r in over])
        found = spread(group.ratios["cython-tuned"])
        assert found.middle == pytest.approx(median(over))
        assert (found.lowest.entry.name, found.highest.entry.name, found.machines) == ("ada", "fay", 6)
        assert [point.entry.name for point in found.outliers] == ["fay"]

    def test_the_fences_are_tukeys_on_a_log_scale(self):
        one = entry("a", "a.json", machine("a"))
        for value, expected in ((9.0, True), (2.5, False), (0.2, True), (0.9, False)):
            values = [1.0, 1.2, 1.5, 1.6, 1.7, 2.0, value]
            first, third = np.quantile(np.log(values), [0.25, 0.75])
            assert (not first - 1.5 * (third - first) <= log(value) <= third + 1.5 * (third - first)) == expected
            found = outliers([Point(one, each) for each in values])
            assert [point.value for point in found] == [value] * expected

    def test_an_interval_that_reaches_inside_is_no_outlier(self):
        one = entry("a", "a.json", machine("a"))
        points = [Point(one, value) for value in (1.0, 1.1, 1.2, 1.3, 1.4)]
        assert [point.value for point in outliers([*points, Point(one, 9.0, 8.0, 10.0)])] == [9.0]
        assert outliers([*points, Point(one, 9.0, 1.2, 10.0)]) == []

    def test_fewer_than_five_machines_have_no_outlier(self):
        one = entry("a", "a.json", machine("a"))
        assert outliers([Point(one, value) for value in (1.0, 1.0, 1.0, 900.0)]) == []

    def test_the_tables_say_so(self, files):
        group = of(groups(gathered(files)[0]), threads="1")
        tuned = line(ladder_table(group), "cython-tuned")
        assert (tuned["median"], tuned["range"], tuned["most"], tuned["least"]) == (
            "5.00×",
            "4.00 – 36.0",
            "fay",
            "ada",
        )
        assert (tuned["time"], tuned["range of times"]) == ("202.3 µs", "28.06 µs – 252.5 µs")
        assert line(ladder_table(group), "numpy-stable")["median"] == "1×"
        assert {one.cells[:3] for one in outlier_table(group).lines} == {
            ("fay", "cython-tuned", "over numpy-stable"),
            ("fay", "cython-tuned", "time"),
        }

    def test_each_ladder_is_over_numpy_or_else_the_first_rung(self, files):
        entries, _ = gathered(files)
        assert of(groups(entries), threads="1").base == "numpy-stable"
        assert of(groups(entries, "cython-serial"), threads="1").ratios["cython-tuned"][0].value == pytest.approx(8)
        for one in entries:
            cells = [figure for figure in one.document.looptax.cells if figure.cell.rung != "numpy-stable"]
            one.document.looptax.cells = cells
        group = of(groups(entries), threads="1")
        assert group.base == "python-floats"
        assert group.ratios["cython-tuned"][0].value == pytest.approx(400)


class TestGroups:
    def test_all_threads_are_those_of_each_machine(self, write):
        entries, _ = gathered(write(two=machine("two", cpus=2), eight=machine("eight", cpus=8)))
        found = groups(entries)
        assert [group.choice.threads for group in found] == ["1", ALL]
        assert [ladder.choice.threads for _, ladder in found[1].members] == ["2", "8"]
        assert found[1].title.endswith("all threads")

    def test_what_is_the_same_stands_once(self, files, write):
        assert [group.choice.threads for group in groups(gathered(files)[0])] == ["1", ALL]
        single = write(one=machine("one", cpus=1), other=machine("other", cpus=1))
        assert [group.choice.threads for group in groups(gathered(single)[0])] == ["1"]

    def test_other_data_of_the_same_name_are_not_the_same(self, write):
        other = machine("other")
        for figure in other.looptax.cells:
            figure.samples = 10
        assert groups(gathered(write(one=machine("one"), other=other))[0]) == []

    def test_steps_of_one_name_and_other_code_are_not_the_same(self, write):
        documents = {}
        for name, digest in (("ada", "1" * 64), ("bob", "2" * 64), ("cleo", "2" * 64)):
            documents[name] = one = machine(name)
            one.looptax.cells.append(made_up.figure("mine", [1e-3] * 6))
            one.looptax.guests = [Guest("mine", "mine.py", "step", digest)]
        entries, _ = gathered(write(**documents))
        (found,) = [group for group in groups(entries) if group.choice.threads == "1"]
        assert {rung: len(points) for rung, points in found.times.items() if rung.startswith("mine")} == {
            "mine-1111111": 1,
            "mine-2222222": 2,
        }


class TestGains:
    def test_each_rung_over_the_one_below_and_threads(self, files):
        found = groups(gathered(files)[0])
        steps = {gain.step: gain for gain in gains(of(found, threads="1"), found)}
        assert list(steps) == ["numpy-stable over python-floats", "cython-tuned over cython-serial"]
        assert [point.value for point in steps["cython-tuned over cython-serial"].points] == pytest.approx(
            [8 * factor for factor in FACTORS.values()]
        )
        threads = {gain.step: gain for gain in gains(of(found, threads=ALL), found)}
        assert [point.value for point in threads["cython-tuned, all threads over 1"].points] == pytest.approx([2.0] * 6)

    def test_what_goes_with_a_gain(self, write):
        rates = {f"m{k}": k for k in range(1, 10)}
        entries, _ = gathered(write(**{name: machine(name, 1 + k / 10, read=k * 1e9) for name, k in rates.items()}))
        found = groups(entries)
        made = gain_table(of(found, threads="1"), gains(of(found, threads="1"), found))
        assert line(made, "cython-tuned over cython-serial")["goes with"] == "more with memory rate (ρ = 1.00)"
        assert line(made, "numpy-stable over python-floats")["goes with"] == ""
        few = groups(entries[:7])
        assert not any(map(goes_with, gains(of(few, threads="1"), few)))

    def test_the_ends_are_explained(self, files):
        found = groups(gathered(files)[0])
        [detail] = [one.detail for one in gain_table(found[0], gains(found[0], found)).lines if "tuned" in one.cells[0]]
        assert detail.startswith(
            "most, 72.0×: fay (CPU of fay (zen), CPUs 2, vector width 256 bits, L2 cache 512 KiB, last cache 8 MiB, "
            "memory rate 10 GB/s, arithmetic 100 GFLOP/s); least, 8.00×: ada ("
        )


class TestStandIns:
    def test_it_is_marked_and_counts_nowhere(self, files, write):
        [stand_in] = write(zen=machine("zen", 100.0, info={"held_to": {"LOOPTAX_ISA": "x86_64_v2"}}))
        entries, _ = gathered([*files, stand_in])
        assert entries[-1].described == "CPU of zen (zen), kernels held to x86-64-v2"
        group = of(groups(entries), threads="1")
        assert len(group.ratios["cython-tuned"]) == 7
        found = spread(group.ratios["cython-tuned"])
        assert (found.machines, found.highest.entry.name) == (6, "fay")
        assert spread([point for point in group.ratios["cython-tuned"] if point.entry.held_to]) is None

    def test_blas_that_is_held_makes_one_too(self):
        one = machine("one")
        assert held_to(one) == ""
        one.looptax.blas_override = {"OPENBLAS_CORETYPE": "Nehalem"}
        assert held_to(one) == "held to OPENBLAS_CORETYPE=Nehalem"
        one.machine_info["held_to"] = {"LOOPTAX_ISA": "x86_64_v2", "OPENBLAS_CORETYPE": "Nehalem"}
        assert held_to(one) == "kernels held to x86-64-v2, OPENBLAS_CORETYPE=Nehalem"

    def test_vectors_are_those_in_use(self):
        for level, bits in (("x86_64_v2", 128), ("x86_64_v4", 512), ("any", 512)):
            assert entry("a", "a", machine("a", level=level)).facts["vector width"] == bits

    def test_a_file_that_tells_nothing_has_no_facts(self, result_document):
        assert entry("a", "a", result_document(("numpy-stable", [1.0]))).facts == {}


class TestFiles:
    def test_alike_ones_all_count_and_are_named(self, write):
        same = {"info": {"cpu": machine("twin").machine_info["cpu"]}}
        paths = write(one=machine("one", **same), two=machine("two", 1.5, datetime="2026-11-23T10:00:00+00:00", **same))
        entries, told = gathered(paths)
        assert [one.name for one in entries] == ["one", "two"]
        [said] = told
        assert said.file.endswith("one.json")
        assert "two.json tells of the same CPU" in said.what
        entries, told = gathered(paths, newest=True)
        assert [one.name for one in entries] == ["two"]
        assert told[0].left_out
        assert "two.json is a newer run" in told[0].what

    def test_the_same_run_counts_once(self, write):
        entries, [said] = gathered(write(one=machine("one"), copy=machine("one")))
        assert [one.name for one in entries] == ["one"]
        assert (said.left_out, Path(said.file).name) == (True, "copy.json")
        assert "is the same run as" in said.what

    def test_what_is_no_result_is_named(self, tmp_path, files):
        other = storage.plain(machine("other"))
        other["looptax"]["schema"] = SCHEMA - 1
        bad = {"damaged": "{", "schema": json.dumps(other), "fits": "{}", "folder": None}
        for name, text in bad.items():
            (tmp_path / f"{name}.json").mkdir() if text is None else (tmp_path / f"{name}.json").write_text(text)
        busy = machine("busy")
        for figure in busy.looptax.cells:
            figure.cell = replace(figure.cell, situation="beside-process")
        storage.write(busy, tmp_path / "busy.json")
        paths = [tmp_path / f"{name}.json" for name in (*bad, "missing", "busy")]
        entries, told = gathered([*files, *paths])
        assert [one.name for one in entries] == list(FACTORS)
        assert {Path(one.file).stem: one.what.partition(":")[0] for one in told} == {
            "damaged": "is not a result of looptax",
            "schema": "is not a result of looptax",
            "fits": "is not a result of looptax",
            "folder": "is not a result of looptax",
            "missing": "cannot be read",
            "busy": "has no cell with a number, or only those of a machine made busy",
        }
        assert all(one.left_out for one in told)

    def test_unstable_runs_count_and_are_named(self, write):
        noisy = machine("noisy")
        noisy.looptax.noise = replace(made_up.document().looptax.noise, unstable=["It was noisy."])
        entries, [said] = gathered(write(one=machine("one"), noisy=noisy))
        assert len(entries) == 2
        assert (Path(said.file).name, said.what, said.left_out) == ("noisy.json", "unstable: It was noisy.", False)

    def test_names_are_as_short_as_they_can_be(self, tmp_path):
        paths = [tmp_path / name for name in ("a/run.json", "b/run.json", "c/b/run.json", "d.json")]
        for k, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write(machine(f"m{k}"), path)
        entries, _ = gathered(paths)
        assert [one.name for one in entries] == ["a/run", str(paths[1]), str(paths[2]), "d"]


class TestCommand:
    def test_the_page_has_what_the_files_say(self, files, tmp_path):
        (tmp_path / "bad.json").write_text("{")
        done = command("class", *files, tmp_path / "bad.json", "-o", tmp_path / "class.html", columns=200)
        assert done.exit_code == 0
        assert f"{tmp_path / 'bad.json'} left out: is not a result of looptax" in done.output
        assert "6 machines: " in done.output
        text = (tmp_path / "class.html").read_text()
        assert str(tmp_path / "bad.json") in text
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
        drawn = {row["machine"]: row["value"] for row in data["ratios"]
                 if (row["input"], row["rung"]) == ("9x2 float64 C 1", "cython-tuned")}  # fmt: skip
        assert drawn == pytest.approx({name: 4 * factor for name, factor in FACTORS.items()})
        assert [row["machine"] for row in data["ratios"] if row["kind"] == "outlier"] == ["fay", "fay"]

    def test_what_counts_is_kept_without_single_rounds(self, files, tmp_path):
        (tmp_path / "kept").mkdir()
        assert command("class", *files, "-o", tmp_path / "a.html", "--keep", tmp_path / "kept").exit_code == 0
        kept = sorted((tmp_path / "kept").iterdir())
        assert [path.stem for path in kept] == list(FACTORS)
        assert all(storage.read(path).benchmarks == [] for path in kept)
        assert command("class", *kept, "-o", tmp_path / "b.html").exit_code == 0
        assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Missing argument 'RESULT...'"),
            (["{ada}", "-o", "class.pdf"], "class.pdf does not end in .html"),
            (["{ada}"], "no two of them have measured the same input"),
            (["{ada}", "{bob}", "--over", "numpy-none"], "'numpy-none' is not one of python-floats, numpy-stable"),
        ],
    )
    def test_wrong_arguments(self, arguments, message, files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        given = {path.stem: path for path in files}
        done = command("class", *(one.format(**given) for one in arguments), columns=300)
        assert done.exit_code == 2
        assert message in done.output
        assert not list(tmp_path.glob("*.html"))

    def test_what_is_kept_takes_nobodys_place(self, files, tmp_path):
        before = files[0].read_bytes()
        done = command("class", *files, "-o", tmp_path / "page.html", "--keep", tmp_path)
        assert done.exit_code == 2
        assert "is there already; give a folder without it" in done.output
        assert files[0].read_bytes() == before

    def test_a_name_that_is_no_text(self, files, tmp_path):
        strange = tmp_path / "jos\udce9.json"
        try:
            files[0].rename(strange)
        except (OSError, UnicodeError):
            pytest.skip("no such name here")
        done = command("class", strange, *files[1:], "-o", tmp_path / "page.html")
        assert done.exit_code == 0, done.output
        assert "jos?" in (tmp_path / "page.html").read_text("utf-8")

    def test_without_a_cell_in_common_a_file_is_left_out(self, write, tmp_path, result_document):
        paths = write(
            one=machine("one"), two=machine("two"), odd=result_document(("numpy-stable", [1.0]), source="8x8")
        )
        done = command("class", *paths, "-o", tmp_path / "class.html", columns=300)
        assert done.exit_code == 0
        assert "odd.json left out: has measured no input that another has" in done.output
        assert "2 machines: " in done.output


class TestPage:
    def page(self, tmp_path, *paths):
        assert command("class", *paths, "-o", tmp_path / "class.html").exit_code == 0
        return tmp_path / "class.html"

    def test_opens_without_errors_and_asks_for_nothing(self, browser, files, tmp_path):
        written = self.page(tmp_path, *files)
        for width, scheme in ((1280, "light"), (390, "dark")):
            browser.open(written, width=width, scheme=scheme)
            assert browser.problems() == []
            asked = [address for address in browser.requests() if not address.startswith(("data:", "blob:"))]
            assert asked == [written.as_uri()]
            assert browser.run("document.documentElement.scrollWidth") == width
            marks = browser.run("[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('path').length)")
            assert len(marks) == 3
            assert min(marks) > 6

    def test_it_says_first_what_is_to_say(self, browser, files, tmp_path):
        browser.open(self.page(tmp_path, *files))
        said = browser.run("document.querySelector('header').innerText")
        assert "6 machines" in said
        assert "cython-tuned is 4.00× to 36.0× as fast as numpy-stable, 5.00× in the middle" in said

    def test_where_every_run_is_unstable_there_is_no_headline(self, write, tmp_path):
        noise = replace(made_up.document().looptax.noise, unstable=["It was noisy."])
        documents = {name: machine(name) for name in ("one", "two")}
        for document in documents.values():
            document.looptax.noise = noise
        text = self.page(tmp_path, *write(**documents)).read_text()
        header = text[text.index("<header>") : text.index("</header>")]
        assert "Every machine's run calls itself unstable" in header
        assert "as fast as" not in header

    def test_a_class_of_other_cpus_and_one_sweep_makes_a_page_too(self, browser, tmp_path, write, result_document):
        """Documents that tell nothing of their machine."""
        once = {rung.name: [1.0] for rung in LADDER[:3]}
        alone = {f"m{k}": result_document(*once.items(), brand=f"{k}") for k in range(2)}
        browser.open(self.page(tmp_path, *write(**alone)))
        assert browser.problems() == []

    def test_hostile_text_is_text(self, browser, write, tmp_path):
        odd = machine(HOSTILE, info={"held_to": {"NUMBA_CPU_NAME": HOSTILE}})
        browser.open(self.page(tmp_path, *write(one=machine("one"), two=odd)))
        assert browser.problems() == []
        assert browser.run("window.hostile") is None
        assert browser.run("document.images.length") == 0
        assert HOSTILE in browser.run("document.body.textContent")
