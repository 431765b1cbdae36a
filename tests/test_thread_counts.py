"""A cell's number of threads is the number it had: set, verified, and an error where it is not."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from fresh import python
from looptax.bench.measure import threads
from looptax.kernels.choose import cpu
from looptax.pyimpl import numpy_stable


class TestThreads:
    def test_set_and_verified(self):
        numpy_stable.step(np.ones((2, 2)), np.ones(2), np.ones(2), 0.0)
        for number in {1, threads.usable()}:
            with threads.limited(number) as pools:
                assert pools
                assert set(pools.values()) == {number}

    def test_a_pool_that_does_not_obey_is_an_error(self, monkeypatch):
        pool = {"internal_api": "blas", "prefix": "lib", "num_threads": 7}
        deaf = SimpleNamespace(limit=lambda limits: nullcontext(), info=lambda: [pool])
        monkeypatch.setattr(threads, "ThreadpoolController", lambda: deaf)
        with (
            pytest.raises(threads.ThreadsError, match=r"asked for 1 threads, but \{'blas \(lib\)': 7\}"),
            threads.limited(1),
        ):
            pass

    def test_a_region_that_got_others_is_an_error(self, monkeypatch):
        monkeypatch.setattr(threads.region, "got", lambda number: 1)
        threads.verify("openmp", 1)
        threads.verify("team", threads.usable())
        threads.verify("one", 7)
        with pytest.raises(threads.ThreadsError, match="asked for 2 threads, but OpenMP gave a parallel region 1"):
            threads.verify("openmp", 2)
        with pytest.raises(
            threads.ThreadsError, match=f"asked for 999 threads, but there is room for {threads.usable()}"
        ):
            threads.verify("team", 999)

    @pytest.mark.skipif(not cpu.openmp() or threads.usable() < 2, reason="there is no region of two threads")
    @pytest.mark.parametrize("variable", ["OMP_THREAD_LIMIT=1", "OMP_MAX_ACTIVE_LEVELS=0", "OMP_DYNAMIC=true", "A=b"])
    def test_a_label_says_what_a_region_gets(self, variable):
        """OpenMP reports two threads all the same, and gives a region one; with OMP_DYNAMIC as the load has it."""
        code = """if True:
            import sys
            sys.modules["numba"] = None  # it sets OpenMP's levels itself
            from looptax.bench.measure import matrix, turn
            from looptax.bench.show.result import Cell, Figure
            from looptax.kernels.choose import region

            class Benchmark:
                def __call__(self, step, *arguments): pass
                pedantic = __call__  # of a call that a busy machine made a slow one

            for name in ("cython-parallel", "numpy-stable"):
                found = Figure(Cell(name, "50x4", "float64", "C", 2), 50, 4)
                turn.take(matrix.Turn(found.cell, 0), found, matrix.Matrix(budget=60.0), Benchmark())
                print(found.status, found.reason, sep=": ")
            print(region.got(2))
            """
        done = python(code, **dict([variable.split("=")]))
        assert done.returncode == 0, done.stderr
        openmp, blas, got = done.stdout.splitlines()
        assert variable == "OMP_DYNAMIC=true" or got == ("2" if variable == "A=b" else "1")
        refused = "unavailable: asked for 2 threads, but OpenMP gave a parallel region 1"
        assert openmp == ("measured: None" if got == "2" else refused)
        assert blas == "measured: None"

    def test_more_than_numba_has_is_an_error(self):
        numba = pytest.importorskip("numba")
        most = numba.config.NUMBA_NUM_THREADS
        with pytest.raises(threads.ThreadsError, match="Numba was started with"), threads.limited(most + 1):
            pass
