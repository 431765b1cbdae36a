"""The machine's limits: what the probe does is checked by its results, what follows from them by hand."""

from itertools import pairwise
from types import SimpleNamespace

import made_up
import numpy as np
import pytest
from bits import build
from looptax.bench.measure import limits
from looptax.bench.show.result import Bandwidth, Fma, Limits
from looptax.kernels.choose import cpu, isa
from made_up import figure


@pytest.fixture(params=isa.available("parts.probe"))
def probe(request):
    return build(request.param, "parts.probe")


class TestProbe:
    @pytest.mark.parametrize("threads", [1, 2, 3])
    @pytest.mark.parametrize("grains", [1, 2, 7])
    def test_reads_every_number_every_time(self, probe, threads, grains):
        x = np.random.default_rng(3).integers(0, 1000, limits.GRAIN * threads * grains).astype(float)
        assert probe.read(x, threads, 1) == x.sum()
        assert probe.read(x, threads, 5) == 5 * x.sum()

    @pytest.mark.parametrize("size", [0, 64, 129])
    def test_refuses_what_it_would_not_read_in_full(self, probe, size):
        with pytest.raises(ValueError, match=rf"x has {size} numbers; expected a multiple of 64 for each of 2 threads"):
            probe.read(np.ones(size), 2, 1)

    def test_counts_its_multiply_adds(self, probe):
        """After enough rounds every lane is 1 to the last bit; a lane left out would leave less."""
        one, two = (probe.multiply_add("float64", threads, 100) for threads in (1, 2))
        assert one % 12 == 0
        assert two == 2 * one
        lanes = {"float64": one, "float32": probe.multiply_add("float32", 1, 100)}
        assert lanes["float32"] == (2 * one if probe.__name__.rpartition("__")[2] != "plain" else one)

    def test_nothing_is_done(self, probe):
        assert probe.nothing(None, None, None, None) is None


@pytest.fixture(scope="module")
def measured():
    """The limits of this machine, each size read once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("TRIES", 1), ("ROUNDS", 1000), ("TIMED_BYTES", 1)):
            patch.setattr(limits, name, value)
        return limits.measure((1, 2))


class TestMeasure:
    def test_covers_every_working_set_and_number_of_threads(self, measured):
        for threads in (1, 2) if cpu.openmp() else (1,):
            sizes = [size for size, _ in measured.rates(threads)]
            assert sizes == sorted(sizes)
            assert sizes[0] == limits.MIN_BYTES
            assert sizes[-1] == limits._beyond_caches()
            assert all(2 * small >= large for small, large in pairwise(sizes))
            assert all(measured.flops(dtype, threads) for dtype in ("float64", "float32"))

    @pytest.mark.parametrize(
        ("caches", "largest", "read"),
        [
            (0, 1 << 30, 1 << 26),
            (1 << 24, 1, 1 << 26),
            (1 << 24, 100_000_000, 100_000_000),
            (1 << 24, 1 << 40, 1 << 27),
            (1 << 40, 1 << 40, 1 << 30),
        ],
    )
    def test_no_larger_working_set_than_needed(self, caches, largest, read, monkeypatch):
        asked = []
        monkeypatch.setattr(limits.machine, "last_level_bytes", lambda: caches)
        monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: SimpleNamespace(available=1 << 40))
        monkeypatch.setattr(limits, "_aligned", lambda numbers: asked.append(8 * numbers))
        monkeypatch.setattr(limits, "_bandwidth", lambda *_: None)
        limits._beyond_caches.cache_clear()
        limits.measure((1,), largest)
        limits._beyond_caches.cache_clear()
        assert asked == [read]

    def test_rates_are_positive(self, measured):
        rates = [one.bytes_per_second for one in measured.bandwidth] + [one.flops for one in measured.fma]
        assert min(rates) > 0
        assert 0 < measured.call_seconds < 1e-4

    def test_more_threads_than_grains_read_a_grain_each(self):
        point = limits._bandwidth(limits._aligned(limits.GRAIN * 40), limits.MIN_BYTES, 40)
        assert point.bytes == 8 * limits.GRAIN * 40

    def test_starts_are_on_a_page_and_off_a_cache_line(self):
        x = limits._aligned(1000)
        assert x.ctypes.data % 4096 == 0
        assert [x[start:].ctypes.data % 64 for start in limits.STARTS] == [0, 16]


MADE_UP = Limits(
    [Bandwidth(1, 1000, 1e11), Bandwidth(1, 100_000, 1e10), Bandwidth(2, 1000, 1.2e11)],
    [Fma("float64", 1, 1e12), Fma("float32", 1, 1e9), Fma("float64", 2, 1e12)],
    5e-8,
)


class TestLimit:
    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            (figure("r", 1.0, source="1000x100"), ("memory", 800_000 / 1e10)),  # beyond the largest size read
            (figure("r", 1.0, source="125x10"), ("memory", 10_000 / 5.5e10)),  # halfway on a logarithmic scale
            (figure("r", 1.0, source="1x1"), ("call", 5e-8)),
            (figure("r", 1.0, source="125x10", dtype="float32"), ("arithmetic", 4 * 1250 / 1e9)),
            (figure("r", 1.0, source="125x10", threads=2), ("memory", 10_000 / 1.2e11)),
        ],
    )
    def test_by_hand(self, cell, expected):
        assert limits.limit(cell, MADE_UP) == (expected[0], pytest.approx(expected[1]))

    def test_not_measured(self):
        assert limits.limit(figure("r", 1.0, source="3x3", threads=7), MADE_UP) is None
        assert limits.limit(figure("r", 1.0, source="3x3"), None) is None


KIB, MIB = 1 << 10, 1 << 20
BADLY = Limits(  # 2 threads on 1 MiB while another process was in the way, and one thread on the smallest
    [Bandwidth(1, 16 * KIB, 3e10), Bandwidth(1, MIB, 6.96e10), Bandwidth(1, 64 * MIB, 1e10),
     Bandwidth(2, 16 * KIB, 2e11), Bandwidth(2, MIB, 7.9e9), Bandwidth(2, 64 * MIB, 1.6e10)],
    [Fma("float64", 1, 5e10), Fma("float64", 2, 4e10)],
    5e-8,
)  # fmt: skip


class TestFaults:
    def test_more_threads_and_smaller_sets_have_no_lower_limit(self):
        for threads in (1, 2):
            rates = [rate for _, rate in BADLY.rates(threads)]
            assert rates == sorted(rates, reverse=True)
        assert all(two >= one for (_, one), (_, two) in zip(BADLY.rates(1), BADLY.rates(2), strict=True))
        assert BADLY.flops("float64", 2) == 5e10
        assert BADLY.flops("float64", 3) is None

    def test_what_was_measured_badly_is_said(self):
        assert limits.faults(BADLY) == [
            "1 thread read 16 KiB at 30 GB/s, not at 69.6 GB/s",
            "2 threads read 1 MiB at 7.9 GB/s, not at 69.6 GB/s",
        ]
        assert limits.faults(made_up.document().looptax.limits) == []
