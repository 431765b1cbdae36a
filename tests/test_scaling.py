"""The model of a step on more machines: by hand, and what must grow with what."""

import pytest
from looptax.bench.show import scaling
from needed import lacking

try:
    from looptax.bench.measure.cluster import Way
except ImportError as error:
    lacking(str(error))

# A byte takes 10 ns in all: 9.2 of the process, 0.8 of the link.
HERE = scaling.Measured(number=2e-9, latency=0.5, task=1e-3, byte=9.2e-9, other=400.0)


def ways(**changed):
    """A run of two inputs, the second one larger."""
    found = []
    for source, n in (("1000x10", 10), ("1000x100", 100)):
        found.append(Way(source, "memory, 1 thread", seconds=[1e-3, 3e-3, 2e-3]))
        one = {"seconds": [0.6], "tasks": 4, "shipped": 4 * (16 * n + 400)}
        one |= {"latency": n / 100, "per_task": n / 1e5, "per_byte": n * 1e-10, **changed}
        found += [Way(source, "1 worker", **one), Way(source, "2 workers", **one)]
    return found


def test_what_the_model_takes_from_a_run():
    """Medians over the inputs; the time of a number from the larger one: 2 ms for 100,000."""
    assert scaling.measured(ways()) == pytest.approx((2e-8, 0.55, 5.5e-4, 5.5e-9, 400))
    assert scaling.measured(ways(problem="ValueError: none")) is None
    assert scaling.measured([]) is None


def test_the_flat_gather_by_hand():
    """40 tasks of 2,000 bytes each: 0.8 ms; twice 50 µs from machine to machine."""
    found = scaling.flat(HERE, 10, 100)
    assert found == pytest.approx((2.0, 0.5 + 0.04, 40 * 2000 * 1e-8 + 1e-4))
    assert found.total == pytest.approx(2.5409)


def test_a_tree_by_hand():
    """40 tasks, then 5 that add 8 each, which the client adds: 13 sums on the longest way, in two levels."""
    found = scaling.tree(HERE, 10, 100, 8)
    assert found == pytest.approx((2.0, 0.5 + 0.045, (45 * 400 + 13 * 1600) * 1e-8 + 2e-4))
    # Fan-in 2: 40, 20, 10, 5, 3 and 2 tasks; 5 levels of 2 sums, and 2 for the client.
    found = scaling.tree(HERE, 10, 100, 2)
    assert found == pytest.approx((2.0, 0.5 + 0.080, (80 * 400 + 12 * 1600) * 1e-8 + 6e-4))


def test_a_tree_of_one_level_is_the_flat_gather():
    assert scaling.tree(HERE, 10, 100, 40) == pytest.approx(scaling.flat(HERE, 10, 100))


def test_more_machines_and_more_features_never_take_less():
    for step in (scaling.flat, lambda *what: scaling.best_tree(*what)[1]):
        by_machines = [step(HERE, machines, 100).total for machines in (10, 11, 100, 1000)]
        by_features = [step(HERE, 100, n).total for n in (1, 10, 1000, 10_000, 100_000)]
        assert by_machines == sorted(by_machines)
        assert by_features == sorted(by_features)


@pytest.mark.parametrize("share", [0.0, scaling.WORTH])
@pytest.mark.parametrize("machines", scaling.MACHINES)
def test_from_where_on_a_tree_pays(machines, share):
    n = scaling.pays_from(HERE, machines, share)
    pays = [
        scaling.best_tree(HERE, machines, k)[1].total < (1 - share) * scaling.flat(HERE, machines, k).total
        for k in (n - 1, n, 2 * n)
    ]
    assert pays == [False, True, True]


def test_the_table():
    table = scaling.table(HERE)
    assert [line.cells[:3] for line in table.lines[:2]] == [("100", "10", "flat"), ("100", "10", "tree of 32")]
    assert table.lines[0].cells[3:] == ("2 s", "540 ms", "900 µs", "2.541 s", "less")
    assert len(table.lines) == 12
    assert [line.cells[-1] for line in table.lines].count("less") == 6
    # 1.5 s of arithmetic over the pass's fixed part, 4 ms of tasks for a machine
    assert table.notes[2] == "Scheduling takes longer than the arithmetic from 376 machines on."
    assert table.width <= 80


def test_tasks_that_cost_nothing():
    """A run may be too noisy to tell a task from none."""
    assert len(scaling.table(HERE._replace(task=0.0, byte=0.0)).lines) == 12


def test_what_the_model_says_of_the_machine_it_is_from():
    """100,000 numbers of 20 ns, a pass of 1 s, 4 tasks of 1 ms, 4 x 2,000 bytes of 10.8 ns, twice 50 µs."""
    assert scaling.check(ways()) == (
        "On this machine the model makes 1.006 s of a step of 1,000 × 100 on one worker; measured: 600 ms."
    )
    assert scaling.check([]) == ""
