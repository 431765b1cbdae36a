"""``looptax compare``: made-up runs whose ratios are known."""

import re

import pytest
from looptax.bench.show import storage
from looptax.bench.show.compare import NotComparableError, compare, condition, mean, worst
from looptax.bench.show.result import Noise
from terminal import command

BEFORE = (("numpy-stable", [1.00, 1.01, 0.99] * 2), ("cython-fused", [0.20, 0.201, 0.199] * 2), ("python-array", []))
AFTER = (("numpy-stable", [1.00, 0.99, 1.01] * 2), ("cython-fused", [0.30, 0.301, 0.299] * 2), ("python-floats", [9.0]))


class TestCompare:
    def test_cells_of_both(self, result_document):
        found = compare(result_document(*BEFORE), result_document(*AFTER))
        assert [row.cell.rung for row in found] == ["numpy-stable", "cython-fused"]
        assert [row.ratio.value for row in found] == [pytest.approx(1.0), pytest.approx(1.5, rel=1e-4)]
        assert [row.ratio.differs for row in found] == [False, True]
        assert worst(found).cell.rung == "cython-fused"
        assert mean(found).value == pytest.approx(1.5**0.5, rel=1e-4)

    def test_the_mean_knows_of_drift(self, result_document):
        """Two cells that drift together are no two witnesses: the interval of their mean is that of one."""
        slow, fast = [1.0, 1.2, 1.1] * 2, [1.0, 1.1, 1.2] * 2
        one = compare(result_document(("a", fast)), result_document(("a", slow)))
        two = compare(result_document(("a", fast), ("b", fast)), result_document(("a", slow), ("b", slow)))
        assert mean(two) == pytest.approx(one[0].ratio)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"source": "8x8"}, "no source is in both: 9x2 in the first, 8x8 in the second"),
            ({"dtype": "float32"}, "no dtype is in both: float64 in the first, float32 in the second"),
            ({"threads": 2}, "no threads is in both: 1 in the first, 2 in the second"),
        ],
    )
    def test_nothing_in_common(self, result_document, change, message):
        with pytest.raises(NotComparableError, match=message):
            compare(result_document(*BEFORE), result_document(*AFTER, **change))

    def test_nothing_measured(self, result_document):
        with pytest.raises(NotComparableError, match="the second has no measured cell"):
            compare(result_document(*BEFORE), result_document(("cython-fused", [])))

    def test_other_rungs(self, result_document):
        with pytest.raises(NotComparableError, match="no rung is in both: a in the first, b, c in the second"):
            compare(result_document(("a", [1.0])), result_document(("b", [1.0]), ("c", [1.0])))

    def test_other_data_under_the_same_name(self, result_document):
        other = result_document(*AFTER)
        other.looptax.cells[0].samples = 10
        with pytest.raises(NotComparableError, match="9x2 is 9 x 2 in the first, 10 x 2 in the second"):
            compare(result_document(*BEFORE), other)


class TestCondition:
    @pytest.mark.parametrize(
        ("text", "true"),
        [
            ("ratio>1.1", True),
            ("ratio > 1.6", False),
            ("worst>=1.4", True),
            ("worst>1.6", False),
            ("mean>1.2", True),
            ("mean>=1.3", False),
            ("ratio>0.5", True),
        ],
    )
    def test_holds(self, result_document, text, true):
        found = compare(result_document(*BEFORE), result_document(*AFTER))
        assert condition(text)(found) == true

    def test_a_difference_that_is_not_seen_fails_nobody(self, result_document):
        noisy = result_document(("a", [1.0, 2.0, 3.0] * 2))
        found = compare(result_document(("a", [1.0, 1.1, 1.2] * 2)), noisy)
        assert found[0].ratio.value > 1.5
        assert not any(condition(f"{what}>1.1")(found) for what in ("ratio", "worst", "mean"))

    @pytest.mark.parametrize("what", ["ratio", "mean", "worst"])
    def test_one_sweep_tells_nothing(self, result_document, what):
        found = compare(result_document(("a", [1.0])), result_document(("a", [5.0])))
        assert condition(f"{what}>1.1")(found) is None

    def test_what_is_true_of_one_cell_is_true_whatever_others_lack(self, result_document):
        one, other = (*BEFORE, ("a", [1.0])), (*AFTER, ("a", [1.0]))
        found = compare(result_document(*one), result_document(*other))
        assert condition("ratio>1.1")(found) is True
        assert condition("ratio>2")(found) is None

    @pytest.mark.parametrize(
        "text",
        ["", "ratio", "ratio<1", "ratio>x", "ratio>1.1.1", "speed>1", "ratio>-1", "ratio>nan", "1.1<ratio",
         "__import__('os')", "ratio>1 or 1", "ratio>1\nmean>1", "ratio>١"],
    )  # fmt: skip
    def test_anything_else_is_refused(self, text):
        with pytest.raises(ValueError, match="is not a condition; expected ratio, mean or worst"):
            condition(text)


class TestCommand:
    @pytest.fixture
    def run(self, tmp_path, result_document):
        def run(before, after, *options):
            paths = []
            for name, content in (("a.json", before), ("b.json", after)):
                paths.append(tmp_path / name)
                storage.write(content, tmp_path / name)
            return command("compare", *paths, *options)

        return run

    def test_shows_every_cell(self, run, result_document):
        done = run(result_document(*BEFORE), result_document(*AFTER))
        assert done.exit_code == 0
        assert re.search(r"^cython-fused 9x2 float64 C 1 +200 ms 300 ms 1.50× +1.4\d – 1.5\d *$", done.output, re.M)
        assert re.search(r"^numpy-stable 9x2 float64 C 1 +1 s +1 s +≈1 +0.9\d+ – 1.0\d *$", done.output, re.M)
        assert "worst: 1.50×, cython-fused-9x2-float64-C-1" in done.output
        assert "geometric mean over 2 cells: 1.22×" in done.output
        assert "Machine" not in done.output

    def test_the_widest_row_fits(self, run, result_document):
        widest = ("peer-torch-autograd", [0.1034, 0.1035, 0.1036])
        done = run(*(result_document(widest, source="1000000x28", dtype="float32", threads=16) for _ in range(2)))
        assert "peer-torch-autograd 1000000x28 float32 C 16" in done.output
        assert "…" not in done.output

    def test_fails_on_request(self, run, result_document):
        documents = result_document(*BEFORE), result_document(*AFTER)
        failed = run(*documents, "--fail-if", "ratio>1.1")
        assert failed.exit_code == 1
        assert "Failed: ratio>1.1" in failed.output
        assert run(*documents, "--fail-if", "ratio>2").exit_code == 0
        assert run(*reversed(documents), "--fail-if", "ratio>1.1").exit_code == 0

    def test_machine_against_machine_is_said(self, run, result_document):
        done = run(result_document(*BEFORE), result_document(*AFTER, brand="Another\x1b[31m CPU"))
        assert done.exit_code == 0
        assert "Machine against machine: A A CPU, B Another[31m CPU" in done.output

    def test_an_unstable_run_is_said(self, run, result_document):
        other = result_document(*AFTER)
        other.looptax.noise = Noise(None, None, None, None, ["Loud."])
        assert "B was unstable: Loud." in run(result_document(*BEFORE), other).output

    def test_one_sweep_has_no_interval(self, run, result_document):
        done = run(result_document(("a", [1.0])), result_document(("a", [2.0])))
        assert "no interval: a run has fewer than 6 sweeps" in done.output

    @pytest.mark.parametrize("change", [{"source": "8x8"}, {"dtype": "float32"}, {"threads": 2}])
    def test_what_is_not_comparable_is_refused(self, run, result_document, change):
        done = run(result_document(*BEFORE), result_document(*AFTER, **change))
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1].startswith("Error: Invalid value for B.json: no ")
        assert "is in both" in done.stderr

    def test_damaged_files_are_refused(self, run, result_document):
        newer = result_document(*BEFORE)
        newer.looptax.schema = 9
        done = run(result_document(*BEFORE), newer)
        assert done.exit_code == 2
        assert "b.json is not a result of looptax: it has schema 9" in done.stderr.splitlines()[-1]
        assert done.stderr.splitlines()[-1].startswith("Error: Invalid value for B.json: ")

    @pytest.mark.parametrize("text", ["ratio<1", ""])
    def test_a_wrong_condition_is_refused(self, run, result_document, text):
        """An unset variable of a CI's is one."""
        done = run(result_document(*BEFORE), result_document(*AFTER), "--fail-if", text)
        assert done.exit_code == 2
        assert f"{text!r} is not a condition" in done.output

    def test_a_condition_that_cannot_be_told_is_no_pass(self, run, result_document):
        documents = [result_document(("a", [1.0])), result_document(("a", [5.0]))]
        assert run(*documents).exit_code == 0
        done = run(*documents, "--fail-if", "ratio>1.1")
        assert done.exit_code == 2
        assert "ratio>1.1 cannot be told: no interval" in done.stderr.splitlines()[-1]
        assert "5.00×" in done.stdout

    def test_cells_of_one_alone_are_named(self, run, result_document):
        done = run(result_document(*BEFORE, ("plan", [1.0])), result_document(*AFTER, ("plan", [])))
        assert "Measured in A, over budget in B: 1 cells: plan-9x2-float64-C-1\n" in done.stdout
        assert "Measured in B, not there in A: 1 cells: python-floats-9x2-float64-C-1\n" in done.stdout
        assert run(result_document(*BEFORE), result_document(*BEFORE)).stdout.count("Measured") == 0
