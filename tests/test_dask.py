"""Plans over a cluster: the bits of memory, on any number of workers, whoever of them dies."""

import os
import pickle
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest
from fresh import PYTHON, soon, started
from needed import lacking
from test_blocks import drawn
from test_estimator import drawn as labelled

try:
    import dask
    import dask.array as da
    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client, LocalCluster
    from looptax.kernels import plan as in_memory
    from looptax.kernels.dask import ClusterLostError, RefusedWorkerError, plan
    from looptax.kernels.sklearn import LogisticRegression
except ImportError as error:
    lacking(str(error))

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning", "ignore:.*:UserWarning", "ignore::RuntimeWarning"),
]
M, N = 20000, 12
X, Y, S = drawn(M, N)
W = np.linspace(-1, 1, N)


def cluster(workers=2, **more):
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50, **more
    )


@pytest.fixture(scope="module")
def client():
    with cluster() as made, Client(made) as found:
        yield found


@pytest.fixture
def own_client():
    """A client of a cluster that a test may harm."""
    with cluster() as made, Client(made) as found:
        yield found


def arrays(rows=7000, s=None):
    found = [da.from_array(X, chunks=(rows, 5)), da.from_array(Y, chunks=rows + 1)]
    return (*found, None if s is None else da.from_array(s, chunks=rows - 1))


def bits(step):
    return [step.cost, step.db, *step.dw]


def kill_one(client):
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [300, 7000, 100_000])
def test_the_bits_are_those_of_memory(client, rows, order, weighted):
    s = S if weighted else None
    there = plan(*arrays(rows)[:2], sample_weight=arrays(rows, s)[2], l2=0.3, order=order)
    here = in_memory(np.asarray(X, order=order), Y, sample_weight=s, l2=0.3)
    assert bits(there.step(W, 0.5)) == bits(here.step(W, 0.5))
    v, q = np.random.default_rng(1).standard_normal((2, N + 1))
    np.testing.assert_array_equal(there.hessp(q, v), here.hessp(q, v))
    np.testing.assert_array_equal(there.objective(q)[1], here.objective(q)[1])
    assert (there.samples, there.features, there.dtype) == (M, N, np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_and_files(client, dtype, tmp_path):
    here = in_memory(X.astype(dtype), Y, sample_weight=S)
    right = here.step(W.astype(dtype), dtype(0.5))
    names = [f"x{j}" for j in range(N)]
    frame = pd.DataFrame(X.astype(dtype), columns=names).assign(y=Y.astype(int), s=S)
    table = dd.from_pandas(frame, npartitions=3)
    table.to_parquet(tmp_path / "table")
    for name, array in (("X", X.astype(dtype)), ("y", Y), ("s", S)):
        np.save(tmp_path / f"{name}.npy", array)
    for found in (
        plan(table, label="y", weight="s"),
        plan(tmp_path / "table", label="y", weight="s", features=names),
        plan(tmp_path / "X.npy", tmp_path / "y.npy", sample_weight=tmp_path / "s.npy"),
    ):
        assert bits(found.step(W.astype(dtype), dtype(0.5))) == bits(right)


def test_several_classes(client):
    y = (np.arange(M) * 7919) % 3
    there, here = plan(arrays()[0], da.from_array(y), classes=3), in_memory(X, y, classes=3)
    q, v = np.random.default_rng(1).standard_normal((2, 3 * (N + 1)))
    np.testing.assert_array_equal(there.objective(q)[1], here.objective(q)[1])
    np.testing.assert_array_equal(there.hessp(q, v), here.hessp(q, v))


@pytest.mark.parametrize("classes", [2, 3])
def test_the_estimator_fits_it(client, classes):
    X, y = labelled(5000, classes=classes)
    found = LogisticRegression(tol=1e-9).fit(
        plan(da.from_array(X), da.from_array(y), classes=classes if classes > 2 else None)
    )
    right = LogisticRegression(tol=1e-9).fit(X, y)
    np.testing.assert_allclose(found.coef_, right.coef_, atol=1e-6, rtol=1e-6)


def test_what_is_wrong_is_told_with_its_row(client):
    y = Y.copy()
    y[12345] = 3
    with pytest.raises(ValueError, match=r"X, row 12,345: y\[12345\] is 3.0; expected"):
        plan(arrays()[0], da.from_array(y)).step(W, 0.5)
    for given, told in (
        ((X, Y), "X is a ndarray; expected a Dask array"),
        ((arrays()[1], arrays()[1]), "X has 1 dimensions"),
        ((arrays()[0], da.from_array(Y[:-1])), "y has 19999 numbers; expected 20000"),
        ((arrays()[0].astype(int), arrays()[1]), "X has dtype int64"),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            plan(*given)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(plan(*arrays()[:2]))
    with pytest.raises(ValueError, match="there is no column 'z'"):
        plan(dd.from_pandas(pd.DataFrame({"a": Y}), npartitions=2), label="z")


def test_arrays_that_are_not_what_dask_says(client):
    """Its word for shapes and dtypes is whoever's who made the array."""
    for X_made, y_made, told in (
        (lambda: X[:, 1:], lambda: Y, "have 11 features of float64; expected 12 of float64"),
        (lambda: np.ones((M, N), np.float32), lambda: Y, "features of float32; expected 12 of float64"),
        (lambda: X, lambda: Y[:10], r"y has shape \(\d+,\); expected \(\d+,\)"),
        (lambda: X, lambda: Y.astype(str), "y has dtype <U"),
    ):
        claimed = da.from_delayed(dask.delayed(X_made)(), (M, N), np.float64)
        labels = da.from_delayed(dask.delayed(y_made)(), (M,), np.float64)
        with pytest.raises((TypeError, ValueError), match=told):
            plan(claimed, labels).step(W, 0.5)


def test_files_that_are_written_anew(client, tmp_path):
    for name, array in (("X", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    first = plan(tmp_path / "X.npy", tmp_path / "y.npy")
    before = first.step(W, 0.5).cost
    np.save(tmp_path / "X.npy", X / 2)
    second = plan(tmp_path / "X.npy", tmp_path / "y.npy")
    assert second.step(W, 0.5).cost == in_memory(X / 2, Y).step(W, 0.5).cost != before
    assert first.step(W, 0.5).cost == before  # its blocks are what they were


def test_a_worker_killed_between_steps(own_client):
    there, right = plan(*arrays()[:2]), in_memory(X, Y).step(W, 0.5)
    kill_one(own_client)
    assert bits(there.step(W, 0.5)) == bits(right)


def _slowly(block, W):
    from looptax.kernels.blocks.sums import step_of

    time.sleep(0.3)
    return step_of(block, W, 0.5, "C", 1)


def test_a_worker_killed_in_a_step(own_client):
    from looptax.kernels.parts.partial import mean, total

    there, right = plan(*arrays()[:2]), in_memory(X, Y).step(W, 0.5)
    there.step(W, 0.5)
    threading.Timer(0.5, kill_one, [own_client]).start()
    assert bits(mean(total(there.each(partial(_slowly, W=W))), W)) == bits(right)


def test_a_worker_killed_in_a_fit(own_client):
    X, y = labelled(20000)
    there, calls = plan(da.from_array(X, chunks=(3000, 6)), da.from_array(y, chunks=3000)), []
    right = LogisticRegression(solver="lbfgs").fit(there)
    original = type(there).each

    def each(self, function):
        calls.append(1)
        if len(calls) == 4:
            kill_one(own_client)
        return original(self, function)

    type(there).each = each
    try:
        found = LogisticRegression(solver="lbfgs").fit(there)
    finally:
        type(there).each = original
    assert len(calls) > 5
    assert found.coef_.tobytes() == right.coef_.tobytes()


def test_a_worker_that_joins_is_used(own_client):
    there, right = plan(*arrays(1000)[:2]), in_memory(X, Y).step(W, 0.5)
    there.step(W, 0.5)
    own_client.cluster.scale(3)
    own_client.wait_for_workers(3)
    assert bits(there.step(W, 0.5)) == bits(right)
    assert soon(lambda: all(own_client.has_what().values()), 20)


def test_the_cluster_lost_is_told_with_the_last_point():
    """Another cluster goes on from there."""
    X, y = labelled(5000)
    model = LogisticRegression(warm_start=True, solver="lbfgs", tol=1e-8)
    with cluster() as made, Client(made, timeout=5) as client:
        there, calls = plan(da.from_array(X), da.from_array(y), client=client), []
        there.step(np.zeros(6), 0.0)
        original = type(there).each

        def each(self, function):
            calls.append(1)
            if len(calls) == 5:
                made.close()
            return original(self, function)

        type(there).each = each
        try:
            with pytest.raises(ClusterLostError, match=r"the cluster is lost .*another client") as told:
                model.fit(there)
        finally:
            type(there).each = original
        assert told.value.params.shape == (7,)
        assert model.coef_.any()
    with cluster() as made, Client(made) as client:
        model.fit(plan(da.from_array(X), da.from_array(y), client=client))
    right = LogisticRegression(tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, right.coef_, rtol=1e-5)


def test_a_worker_without_a_fused_multiply_add_is_refused():
    told = pytest.raises(RefusedWorkerError, match=r"tcp://.*x86_64_v2, has no fused multiply-add")
    with cluster(1, env={"LOOPTAX_ISA": "x86_64_v2"}) as made, Client(made), told:
        plan(*arrays()[:2])


def test_a_worker_with_another_version_is_refused(client, monkeypatch):
    import looptax

    monkeypatch.setattr(looptax, "__version__", "9.9")
    with pytest.raises(RefusedWorkerError, match=r"tcp://.*: it has looptax .*; expected 9.9, as here"):
        plan(*arrays()[:2])


def test_a_worker_without_looptax_is_refused():
    code = """if True:
        import sys
        sys.modules["looptax"] = None
        from distributed.cli.dask_worker import main
        main([sys.argv[1], "--no-nanny", "--no-dashboard", "--nthreads", "1"])
    """
    told = pytest.raises(RefusedWorkerError, match=r"tcp://.*: it has no looptax")
    with cluster(1) as made, Client(made) as client, started(*PYTHON, "-c", code, made.scheduler_address):
        client.wait_for_workers(2)
        with told:
            plan(*arrays()[:2])
