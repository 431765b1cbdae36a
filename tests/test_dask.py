"""Plans over a cluster: the bits of memory, on any number of workers, whoever of them dies."""

import gc
import os
import pickle
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import pytest
from fresh import PYTHON, python, soon, started
from needed import lacking
from on_workers import longer_each_time, only_there, slowly
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
    from looptax.kernels.dask import cluster as of_cluster
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


@contextmanager
def programs(folder):
    """A scheduler and two workers, each a program: the scheduler's process, and the file that has its address."""
    file, quiet = folder / "scheduler.json", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ("--no-dashboard", "--scheduler-file", file, "--host", "127.0.0.1")
    scheduler = (*PYTHON, "-m", "distributed.cli.dask_scheduler", *common, "--port", "0")
    worker = (*PYTHON, "-m", "distributed.cli.dask_worker", *common, "--no-nanny", "--nthreads", "1")
    with ExitStack() as all_of_them:
        process = all_of_them.enter_context(started(*scheduler, **quiet))
        for _ in range(2):
            all_of_them.enter_context(started(*worker, **quiet))
        assert soon(file.exists)
        yield process, file


@pytest.fixture
def own_client():
    """A client of a cluster that a test may harm. Tasks are where they were sent, however busy the machine is."""
    with dask.config.set({"distributed.scheduler.work-stealing": False}), cluster() as made, Client(made) as found:
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
    y[12345], y[15000:] = 3, 7
    with pytest.raises(ValueError, match=r"the Dask arrays, row 12,345: y\[12345\] is 3.0; expected"):
        plan(arrays()[0], da.from_array(y)).step(W, 0.5)
    for given, told in (
        ((X, Y), "X is a ndarray; expected a Dask array"),
        ((arrays()[1], arrays()[1]), "X has 1 dimensions"),
        ((arrays()[0], da.from_array(Y[:-1])), "y has 19999 numbers; expected 20000"),
        ((arrays()[0].astype(int), arrays()[1]), "X has dtype int64"),
        ((arrays()[0][:0], arrays()[1][:0]), r"X has shape \(0, 12\); expected at least one sample"),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            plan(*given)
    with pytest.raises(ValueError, match="name columns of a table; X is none"):
        plan(*arrays()[:2], weight="s")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(plan(*arrays()[:2]))


def test_rounding_hides_no_label(client):
    almost = Y.copy()
    almost[12345] = 1 + 1e-12
    narrow = X.astype(np.float32)
    with pytest.raises(ValueError, match=r"row 12,345: y\[12345\] is 1\.000000000001; expected a label"):
        plan(da.from_array(narrow), da.from_array(almost)).step(W.astype(np.float32), 0.5)
    table = dd.from_pandas(pd.DataFrame(narrow).assign(y=almost), npartitions=1)
    with pytest.raises(ValueError, match=r"the table, partition 0, row 12,345: y\[12345\] is 1\.0"):
        plan(table, label="y").step(W.astype(np.float32), 0.5)


def test_a_table_is_asked_for_columns_that_it_has(client):
    table = dd.from_pandas(pd.DataFrame({"a": Y, "b": Y, "t": Y.astype(str)}), npartitions=2)
    for given, told in (
        ({}, "label is None"),
        ({"label": "z", "features": ["b"]}, "there is no column 'z'; there are: a, b, t"),
        ({"label": "a"}, "column 't' is of .*; expected numbers"),
        ({"label": "a", "features": ["a", "b"]}, "column 'a' is asked for 2 times"),
        ({"label": "a", "features": []}, "features is empty"),
        ({"label": "a", "features": ["b"], "y": da.from_array(Y)}, "y and sample_weight do not go with a table"),
        ({"label": "a", "features": ["b"], "sample_weight": da.from_array(S)}, "its columns have names"),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            plan(table, **given)
    for no_table in (table["a"], table.compute()):
        with pytest.raises(TypeError, match="expected a Dask table"):
            plan(no_table, label="a")


def in_two(first, second):
    """An array of two chunks that Dask takes to be like the first."""
    return da.concatenate([da.from_delayed(dask.delayed(one), first.shape, first.dtype) for one in (first, second)])


def test_arrays_that_are_not_what_dask_says(client):
    """Its word for shapes and dtypes is whoever's who made the array; `rechunk` would cut what is more."""
    half = M // 2
    ends = X[half:], Y[half:], S[half:]
    right = plan(*(in_two(whole[:half], end) for whole, end in zip((X, Y), ends[:2], strict=True)))
    assert bits(right.step(W, 0.5)) == bits(in_memory(X, Y).step(W, 0.5))
    for which, end, told in (
        (0, X[half - 1 :], r"X, chunk \(1, 0\), has shape \(10001, 12\); expected \(10000, 12\), as Dask says"),
        (0, X[half + 1 :], r"X, chunk \(1, 0\), has shape \(9999, 12\)"),
        (0, X[half:, 1:], r"X, chunk \(1, 0\), has shape \(10000, 11\)"),
        (0, X[half:].astype("f"), r"X, chunk \(1, 0\), has dtype float32; expected float64, as Dask says"),
        (0, np.ma.array(X[half:]), r"X, chunk \(1, 0\), is a MaskedArray; expected a numpy.ndarray"),
        (1, Y[half - 1 :], r"y, chunk 1, has shape \(10001,\); expected \(10000,\)"),
        (1, Y[half:].astype(str), "y, chunk 1, has dtype <U.*; expected real numbers"),
        (2, S[:10], r"sample_weight, chunk 1, has shape \(10,\)"),
    ):
        given = [in_two(whole[:half], end if k == which else ends[k]) for k, whole in enumerate((X, Y, S))]
        with pytest.raises((TypeError, ValueError), match=told):
            plan(*given[:2], sample_weight=given[2]).step(W, 0.5)


def test_what_has_other_rows_than_were_counted(client, tmp_path):
    table = dd.from_map(partial(longer_each_time, columns=2), [str(tmp_path / "t")], meta={"a": float, "y": float})
    with pytest.raises(ValueError, match=r"the table, partition 0, has \d rows; expected 1, as when the plan was made"):
        plan(table, label="y").step(np.zeros(1), 0.0)
    one = dask.delayed(longer_each_time)(tmp_path / "y", 1)
    y = da.from_delayed(one, (np.nan,), float)
    with pytest.raises(ValueError, match=r"y, chunk 0, has shape \(\d,\); expected \(1,\)"):
        plan(da.ones((1, 1)), y).step(np.zeros(1), 0.0)


def test_what_is_counted_is_counted_on_the_plans_client(client):
    some = np.arange(M) % 3 > 0
    right = in_memory(X[some], Y[some]).step(W, 0.5)
    with cluster(1) as made, Client(made, set_as_default=False) as mine:
        assert Client.current() is client
        there = partial(only_there, address=mine.scheduler.address)
        whole = da.from_array(X, chunks=(7000, 5)).map_blocks(there, meta=X[:0])[da.from_array(some, chunks=7000)]
        labels = da.from_array(Y, chunks=7001).map_blocks(there, meta=Y[:0])[da.from_array(some, chunks=7001)]
        frame = dd.from_pandas(pd.DataFrame(X[some]).assign(y=Y[some]), npartitions=3)
        for found in (
            plan(whole, labels, client=mine),
            plan(whole[:, da.from_array(np.ones(N, bool), chunks=5)], labels, client=mine),
            plan(frame.map_partitions(there, meta=frame), label="y", client=mine),
        ):
            assert bits(found.step(W, 0.5)) == bits(right)


def test_nulls_are_refused(client, tmp_path):
    """In Parquet a null is none of the numbers, and NaN is one; NumPy has no null, and its NaN may be either."""
    import pyarrow as pa
    from pyarrow import parquet

    y, gap = [0, 1, 0, 1], [0.5, None, 1.0, 2.0]
    of_floats = pd.DataFrame({"x": [1.0, np.nan, 2.0, 3.0], "y": y, "s": 1.0})

    def of_arrow(x, y=y, s=gap[2:] * 2):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        parquet.write_table(pa.table({"x": x, "y": y, "s": s}), path)
        return path

    for table in (dd.from_pandas(of_floats, npartitions=1), of_arrow([1.0, float("nan"), 2.0, 3.0])):
        assert np.isnan(plan(table, label="y", weight="s").step(np.ones(1), 0.0).cost)
    wrong = {"x": pd.array(gap, "Float64")}, {"y": pd.array([0, 1, 1, None], "Int8")}, {"s": gap}
    nullable, labels, weights = (dd.from_pandas(of_floats.assign(**one), npartitions=2) for one in wrong)
    for table, told in (
        (of_arrow(gap), r"parquet, partition 0, row 1: column 'x' is null; expected a number in each row"),
        (of_arrow(y, y=[0, 1, None, 1]), "row 2: column 'y' is null"),
        (of_arrow(y, s=gap), "row 1: column 's' is null"),
        (dd.read_parquet(of_arrow([1, None, 2, 3])), "row 1: column 'x' is null"),
        (nullable, "the table, partition 0, row 1: column 'x' is null"),
        (labels, "the table, partition 1, row 1: column 'y' is null"),
        (weights, "the table, partition 0, row 1: column 's' is null"),
    ):
        with pytest.raises(ValueError, match=told):
            plan(table, label="y", weight="s").step(np.ones(1), 0.0)


def test_files_that_are_written_anew(client, tmp_path):
    for name, array in (("X", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    first = plan(tmp_path / "X.npy", tmp_path / "y.npy")
    before = first.step(W, 0.5).cost
    np.save(tmp_path / "X.npy", X / 2)
    second = plan(tmp_path / "X.npy", tmp_path / "y.npy")
    assert second.step(W, 0.5).cost == in_memory(X / 2, Y).step(W, 0.5).cost != before
    assert first.step(W, 0.5).cost == before  # its blocks are what they were


def test_what_could_not_be_read_is_tried_again(client, tmp_path):
    """Its error is told as it is: an OSError of a task is not the cluster's."""
    read = dask.delayed(np.load)(tmp_path / "late.npy")
    there = plan(da.from_delayed(read, X.shape, X.dtype), arrays()[1])
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"late\.npy"):
            there.step(W, 0.5)
    assert soon(lambda: gc.collect() >= 0 and not any(str(key).startswith("_called") for key in client.futures), 10)
    np.save(tmp_path / "late.npy", X)
    assert bits(there.step(W, 0.5)) == bits(in_memory(X, Y).step(W, 0.5))


def test_a_worker_killed_between_steps(own_client):
    there, right = plan(*arrays()[:2]), in_memory(X, Y).step(W, 0.5)
    kill_one(own_client)
    assert bits(there.step(W, 0.5)) == bits(right)


def test_a_worker_killed_in_a_step(own_client):
    from looptax.kernels.parts.partial import mean, total

    there, right = plan(*arrays()[:2]), in_memory(X, Y).step(W, 0.5)
    there.step(W, 0.5)
    threading.Timer(0.5, kill_one, [own_client]).start()
    assert bits(mean(total(there.each(partial(slowly, W=W))), W)) == bits(right)


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


def test_a_worker_that_joins_between_fits_is_used(own_client):
    """A fit has a plan of its own, with a penalty; what it has learnt of workers is the plan's."""
    there = plan(*arrays(1000)[:2])
    there.penalised(1.0).step(W, 0.5)
    own_client.cluster.scale(3)
    own_client.wait_for_workers(3)
    there.penalised(2.0).step(W, 0.5)
    assert soon(lambda: all(own_client.has_what().values()), 20)


def test_a_worker_that_comes_after_the_step_has_begun(monkeypatch):
    monkeypatch.setattr(of_cluster, "PATIENCE", 0.2)
    monkeypatch.setattr(of_cluster, "MOST_ALONE", 1000)
    with cluster(0) as made, Client(made):
        timer = threading.Timer(1, made.scale, [1])
        timer.start()
        assert bits(plan(*arrays()[:2]).step(W, 0.5)) == bits(in_memory(X, Y).step(W, 0.5))
        timer.join()


def test_a_cluster_without_workers(monkeypatch):
    """Who waits is told after a while, and can go on with the same plan when there is one."""
    monkeypatch.setattr(of_cluster, "PATIENCE", 0.2)
    with cluster(0) as made, Client(made) as client:
        there = plan(*arrays()[:2])
        with monkeypatch.context() as short:
            short.setattr(of_cluster, "MOST_ALONE", 3)
            with pytest.raises(ClusterLostError, match=r"the cluster has had no worker for 0.6 s") as told:
                there.step(W, 0.5)
            assert [*told.value.params] == [*W, 0.5]
            with pytest.raises(ClusterLostError, match="no worker"):
                plan(arrays()[0][da.from_array(Y) > 0], arrays()[1])
        made.scale(1)
        client.wait_for_workers(1)
        assert bits(there.step(W, 0.5)) == bits(in_memory(X, Y).step(W, 0.5))


def test_the_cluster_lost_is_told_with_the_last_point(client):
    """Another cluster goes on from there."""
    X, y = labelled(5000)
    model = LogisticRegression(warm_start=True, solver="lbfgs", tol=1e-8)
    with cluster(1) as made, Client(made, timeout=5, set_as_default=False) as theirs:
        there, calls = plan(da.from_array(X), da.from_array(y), client=theirs), []
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
    model.fit(plan(da.from_array(X), da.from_array(y), client=client))
    right = LogisticRegression(tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, right.coef_, rtol=1e-5)


def test_blocks_that_the_scheduler_has_dropped(client):
    there = plan(*arrays()[:2])
    there.step(W, 0.5)
    client.cancel(there.blocks, force=True)
    with pytest.raises(ClusterLostError, match=r"\(its scheduler is gone, or has dropped the blocks\)") as told:
        there.hessp(np.arange(N + 1.0), np.ones(N + 1))
    assert [*told.value.params] == [*range(N + 1)]
    assert plan(*arrays()[:2]).step(W, 0.5).cost == in_memory(X, Y).step(W, 0.5).cost


def test_the_scheduler_killed_in_a_fit(client, tmp_path):
    """Another cluster goes on from there."""
    X, y = labelled(5000)
    model = LogisticRegression(warm_start=True, solver="lbfgs", tol=1e-8)
    with programs(tmp_path) as (scheduler, file), Client(scheduler_file=file, set_as_default=False) as theirs:
        there, calls = plan(da.from_array(X), da.from_array(y), client=theirs), []
        original = type(there).each

        def each(self, function):
            calls.append(1)
            if len(calls) == 5:
                scheduler.kill()
            return original(self, function)

        type(there).each = each
        try:
            with pytest.raises(ClusterLostError, match="the cluster is lost") as told:
                model.fit(there)
        finally:
            type(there).each = original
        began = time.monotonic()
        with pytest.raises(ClusterLostError, match=r"the cluster is lost \(its scheduler is gone\)"):
            plan(da.from_array(X), da.from_array(y), client=theirs)
        with pytest.raises(ClusterLostError, match="the cluster is lost"):
            there.step(np.zeros(6), 0.0)
        assert time.monotonic() < began + 25
    assert told.value.params.any()
    assert model.coef_.any()
    model.fit(plan(da.from_array(X), da.from_array(y), client=client))
    np.testing.assert_allclose(model.coef_, LogisticRegression(tol=1e-8).fit(X, y).coef_, rtol=1e-5)


def test_the_scheduler_killed_in_a_step(tmp_path):
    """The program is told at once, and ends."""
    code = """if True:
        import os, signal, sys, threading, time
        import dask.array as da, numpy as np
        from distributed import Client
        from looptax.kernels.dask import ClusterLostError, plan

        p = plan(da.ones((20000, 3)), da.ones(20000), client=Client(scheduler_file=sys.argv[1]))
        print(p.step(np.zeros(3), 0.0).db)
        threading.Timer(1, os.kill, [int(sys.argv[2]), signal.SIGKILL]).start()
        p._pass = lambda function: [*p.each(lambda block: time.sleep(30))]
        began = time.monotonic()
        try:
            p.objective(np.array([1.0, 2.0, 3.0, 4.0]))
        except ClusterLostError as error:
            print(error.params, time.monotonic() < began + 25, str(error).count("lost"))
    """
    with programs(tmp_path) as (scheduler, file):
        began = time.monotonic()
        found = python(code, str(file), str(scheduler.pid))
    assert found.stdout.splitlines() == ["-0.5", "[1. 2. 3. 4.] True 1"], found.stderr
    assert found.returncode == 0
    assert time.monotonic() < began + 60


def test_a_worker_without_a_fused_multiply_add_is_refused():
    told = pytest.raises(RefusedWorkerError, match=r"tcp://.*x86_64_v2, has no fused multiply-add")
    with cluster(1, env={"LOOPTAX_ISA": "x86_64_v2"}) as made, Client(made), told:
        plan(*arrays()[:2])


def test_a_worker_with_another_version_is_refused(client, monkeypatch):
    import looptax

    monkeypatch.setattr(looptax, "__version__", "9.9")
    with pytest.raises(RefusedWorkerError, match=r"tcp://.*: it has looptax .*; expected 9.9, as here"):
        plan(*arrays()[:2])


def test_a_worker_with_another_version_that_joins_in_a_step_is_refused(client, monkeypatch):
    import looptax

    there = plan(*arrays()[:2])
    there.step(W, 0.5)
    monkeypatch.setattr(looptax, "__version__", "9.9")
    with pytest.raises(
        RefusedWorkerError, match=r"has joined cannot take part: tcp://.*: it has looptax .*; expected 9.9"
    ):
        there.step(W, 0.5)


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
