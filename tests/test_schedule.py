"""The schedule: chosen by CPU, shape and layout, set by a variable, and said."""

import re

import numpy as np
import pytest
from fresh import python
from looptax.kernels import fastest, plan, threads
from looptax.kernels.choose import isa, schedule
from looptax.kernels.choose.schedule import KB, MB, WHOLE, Cpu, Schedule

KERNEL = isa.load("cython_tuned")
SCHEDULES = [
    Schedule(1 << 14),
    Schedule(1 << 20, True),
    Schedule(WHOLE, True, True),
    Schedule(9, overlapped=True, prefetch=99),
]


@pytest.mark.parametrize("how", SCHEDULES)
def test_what_is_written_is_read(how):
    assert Schedule.parse(str(how)) == how


def test_the_form():
    assert str(Schedule(65536, True, True)) == "tile=65536,streamed,by_features"
    assert str(Schedule(9, overlapped=True, prefetch=64)) == "tile=9,overlapped,prefetch=64"
    assert Schedule.parse("tile=" + "9" * 5000) == Schedule(WHOLE)
    assert Schedule.parse(" tile=whole, streamed ") == Schedule(WHOLE, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "begins with ''; expected tile="),
        ("tile=x", "expected tile="),
        ("tile=0", "expected tile="),
        ("tile=-1", "expected tile="),
        ("whole", "expected tile="),
        ("tile=9,fast", "has 'fast'; expected some of streamed, by_features, overlapped, prefetch= and bytes"),
        ("tile=9,prefetch=", "has 'prefetch='"),
        ("tile=9,prefetch=x", "has 'prefetch=x'"),
        ("tile=9,", "has ''; expected some of"),
    ],
)
def test_anything_else_is_refused(text, told):
    with pytest.raises(ValueError, match=told):
        Schedule.parse(text)


def test_which_says_the_same_in_every_process():
    """It measures nothing: what one process says, the next one does."""
    code = """if True:
        import numpy as np
        from looptax.kernels import fastest
        for m, n in ((10, 2), (300, 20), (1000, 30), (5000, 8), (40, 3000), (20000, 20)):
            for order in "CF":
                print(fastest.which(np.ones((m, n), order=order)))
        """
    one, other = python(code), python(code)
    assert one.stdout == other.stdout, one.stderr
    assert len(one.stdout.splitlines()) == 12


class TestCpus:
    def told(self, monkeypatch, identity, caches):
        monkeypatch.setattr(schedule.cpu, "identity", lambda: identity)
        monkeypatch.setattr(schedule.cpu, "caches", lambda: caches)
        return schedule.this_cpu()

    def test_known_ones_are_named(self, monkeypatch):
        for identity, name in (
            (("AuthenticAMD", 25, 1), "Zen 3, caches of 32 KB, 512 KB"),
            (("AuthenticAMD", 25, 17), "Zen 4, caches of 32 KB, 1024 KB"),
            (("AuthenticAMD", 26, 2), "Zen 5, caches of 48 KB, 1024 KB"),
            (("GenuineIntel", 6, 207), "Sapphire or Emerald Rapids, caches of 48 KB, 2048 KB"),
        ):
            assert self.told(monkeypatch, identity, (0, 0, 32 * MB)).name == f"{name}, 32 MB"

    def test_a_virtual_machine_cannot_make_up_the_caches_of_a_known_one(self, monkeypatch):
        found = self.told(monkeypatch, ("GenuineIntel", 6, 207), (32 * KB, 4 * MB, 16 * MB))
        assert found[1:4] == (48 * KB, 2 * MB, 16 * MB)

    def test_others_go_by_their_caches(self, monkeypatch):
        found = self.told(monkeypatch, ("", 0, 0), (64 * KB, 1 * MB, 8 * MB))
        assert found == Cpu("caches of 64 KB, 1024 KB, 8 MB", 64 * KB, 1 * MB, 8 * MB)

    def test_caches_that_are_not_told_are_small(self, monkeypatch):
        assert self.told(monkeypatch, ("", 0, 0), (0, 0, 0))[1:4] == (32 * KB, 512 * KB, 512 * KB)

    def test_no_model_is_claimed_twice(self):
        for k, (vendor, family, models, *_) in enumerate(schedule.KNOWN):
            for other_vendor, other_family, others, *_ in schedule.KNOWN[:k]:
                assert (vendor, family) != (other_vendor, other_family) or set(models).isdisjoint(others)

    def test_rules_follow_the_caches(self):
        small, large = (schedule.rules(Cpu("", kb * KB, 16 * kb * KB, 32 * MB)) for kb in (32, 64))
        assert large["rows"]["tile_bytes"] == pytest.approx(2 * small["rows"]["tile_bytes"], rel=1e-3)
        assert large["own"] == 2 * small["own"]
        assert schedule.rules(Cpu("", 1, 2, 3, streamed=True))["far_rows"]["streamed"]

    def test_a_deep_tile_stays_in_the_second_level_and_is_read_on_from_memory(self):
        rules = schedule.rules(Cpu("", 32 * KB, MB, 320 * MB, streamed=True, wide=8 * MB, deep=True))
        for name in ("rows", "short_rows", "columns", "middle_columns"):
            assert rules[name] == Schedule(256 * KB)._asdict()
        assert rules["far_rows"] == Schedule(256 * KB, streamed=True)._asdict()
        assert rules["far_columns"] == Schedule(4 * MB, streamed=True)._asdict()
        assert rules["rows_far"] == rules["columns_memory"] == 16 * MB
        assert rules["wide_row"] * 8 == rules["rows"]["tile_bytes"]


def test_the_ways_follow_shape_and_layout():
    """On any CPU: small tiles of rows, far ones another way, a chunk of columns of one's own, whole columns twice."""
    rules = schedule.rules()
    own = rules["own"]

    def way(m, n, order, threads=2):
        return KERNEL.schedule_of(laid(m, n, order), threads)

    def laid(m, n, order):
        return np.lib.stride_tricks.as_strided(np.zeros(1), (m, n), (8 * n, 8) if order == "C" else (8, 8 * m))

    assert not way(1000, 100, "C")[0].by_features
    far = rules["rows_far"] // 800 + 1
    assert way(far - 2, 100, "C")[0] == Schedule(**rules["rows"])
    assert way(far, 100, "C")[0] == Schedule(**rules["far_rows"])
    wide_row = rules["wide_row"] // 8
    assert way(1000, wide_row, "C")[0] == Schedule(**rules["wide_rows"])
    assert way(far, wide_row - 1, "C")[0] in (Schedule(**rules[name]) for name in ("rows", "far_rows"))
    if rules["columns_memory"] < schedule.WHOLE:
        assert way(rules["columns_memory"] // 8 // 28 + 1, 28, "F")[0] == Schedule(**rules["far_columns"])
    n = own // 4096
    assert KERNEL.chunk_samples(n, 8, "F") * n * 8 <= own
    assert not way(10_000, n, "F")[0].by_features
    assert KERNEL.chunk_samples(200_000, 8, "F") * 200_000 * 8 > rules["wide"]
    wide = way(2000, 200_000, "F")[0]
    assert wide.by_features
    assert wide.streamed
    assert wide.tile_bytes > 2000 * 200_000 * 8  # whole columns
    assert not way(10, 10, "C")[1]
    assert way(100_000, 30, "C")[1]


def test_a_variable_sets_it_for_every_X():
    code = (
        "import numpy as np; from looptax.kernels import fastest; from looptax.kernels.choose import isa;"
        "X = np.ones((300, 20)); print(fastest.which(X)); print(fastest.which(np.asfortranarray(X)));"
        "print(fastest(X, np.ones(300), np.zeros(20), 0.0).cost)"
    )
    done = python(code, LOOPTAX_SCHEDULE="tile=4096,streamed")
    rows, columns, cost = done.stdout.splitlines()
    assert "rows, tile=4096,streamed (set by LOOPTAX_SCHEDULE)" in rows
    assert "columns, tile=4096,streamed (set by LOOPTAX_SCHEDULE)" in columns
    assert float(cost) == pytest.approx(np.log(2))


def test_a_variable_that_makes_no_sense_is_named():
    done = python("from looptax.kernels import fastest", LOOPTAX_SCHEDULE="fast")
    assert done.returncode
    assert "LOOPTAX_SCHEDULE: schedule 'fast' begins with 'fast'; expected tile=" in done.stderr


def test_candidates_differ_for_X():
    for X in (np.zeros((500, 40)), np.zeros((500, 40), order="F"), np.zeros((2, 2)), np.zeros((80, 80))[::2, ::2]):
        found = KERNEL.candidates(X)
        assert found
        assert not any(
            KERNEL.comes_to(X, one) == KERNEL.comes_to(X, other) for k, one in enumerate(found) for other in found[:k]
        )
    ways = KERNEL.candidates(np.zeros((20_000, 100), order="F"))
    assert {how.by_features for how in ways} == {how.streamed for how in ways} == {True, False}
    X = np.zeros((9, 3))
    assert KERNEL.comes_to(X, Schedule(1 << 20)) == KERNEL.comes_to(X, Schedule(1 << 21))


def test_a_plan_says_which_and_why():
    X, y = np.ones((300, 20)), np.ones(300)
    assert plan(X, y).explain() == fastest.which(X)
    assert str(KERNEL.schedule_of(X, 1)[0]) in plan(X, y).explain()


@pytest.mark.usefixtures("eight_cpus")
def test_which_says_what_and_why():
    X = np.zeros((500, 8))
    short = fastest.which(X)
    assert re.fullmatch(r"cython_tuned for \w+, rows, tile=\S+ \(for .*\), 1 thread: too little work to share", short)
    large = np.zeros((100_000, 30))
    assert re.fullmatch(r"cython_tuned .*\), 8 threads: enough work to share .*", fastest.which(large))
    with threads(1):
        assert fastest.which(large).endswith(", 1 thread: there is room for no more")
    assert ", columns, " in fastest.which(np.asfortranarray(X))
    assert ", strided, " in fastest.which(X[::2, ::2])
    with pytest.raises(TypeError, match="X is a list"):
        fastest.which([[1.0]])
