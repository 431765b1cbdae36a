"""Plans over blocks: the bits of the whole in memory, from wherever the blocks are, within a stated memory."""

import copy
import pickle
import threading

import numpy as np
import pytest
from fresh import python
from looptax.kernels import blocks
from looptax.kernels import plan as in_memory
from looptax.kernels.blocks import files
from needed import lacking

SHAPES = [(1, 1), (5, 3), (256, 2), (300, 7), (5001, 23), (33000, 9), (700, 300)]
SOURCES = ["npy", "copied", "memmap", "part", "array", "list", "callable", "parquet", "feather"]
ROOM = "3 MB"
READING = 400_000_000  # for Parquet: a megabyte for each column


def drawn(m, n, dtype=np.float64, classes=2):
    rng = np.random.default_rng([m, n])
    X = rng.standard_normal((m, n)).astype(dtype)
    return X, rng.integers(0, classes, m).astype(dtype), rng.random(m).astype(dtype)


def pieces(sizes, *arrays):
    """Cut arrays into pieces of such sizes, over and over."""
    first, k = 0, 0
    while first < len(arrays[0]):
        end = first + sizes[k % len(sizes)]
        yield tuple(array[first:end] for array in arrays)
        first, k = end, k + 1


def made(source, folder, X, y, s, order, **more):
    """A plan over the same samples, from such a source."""
    given = [np.asarray(X, order=order), y, *([] if s is None else [s])]
    more = {"memory": ROOM, **more}
    if source in ("npy", "copied", "memmap"):
        paths = [folder / f"{name}.npy" for name in ("X", "y", "s")[: len(given)]]
        for path, array in zip(paths, given, strict=True):
            np.save(path, array)
        if source == "memmap":
            paths = [np.load(path, mmap_mode="r") for path in paths]
        return blocks.plan(*paths[:2], sample_weight=paths[2] if s is not None else None, **more)
    if source == "part":  # a part of a memmap, not at its beginning
        np.save(folder / "more.npy", np.concatenate([X[:1], X, X[:1]]))
        inside = np.load(folder / "more.npy", mmap_mode="r")[1:-1]
        return blocks.plan(inside, y, sample_weight=s, **more)
    if source == "array":
        return blocks.plan(*given[:2], sample_weight=s, **more)
    if source == "list":
        return blocks.plan(list(pieces([1, 700, 64], *given)), order=order, **more)
    if source == "callable":
        return blocks.plan(lambda: pieces([512], *given), order=order, **more)
    return from_arrow(source, folder, X, y, s, order, more)


def from_arrow(source, folder, X, y, s, order, more):
    try:
        import pyarrow as pa
        from pyarrow import dataset, feather, parquet
    except ImportError as error:
        lacking(str(error))
    names = [f"x{j}" for j in range(X.shape[1])]
    columns = dict(zip(names, X.T, strict=True)) | {"label": y.astype(np.int8)} | ({} if s is None else {"s": s})
    table, middle = pa.table(columns), len(X) // 3
    told = {"label": "label", "weight": None if s is None else "s", "order": order, **more, "memory": READING}
    if source == "feather":
        feather.write_feather(table, folder / "a.arrow", compression="uncompressed")
        return blocks.plan(dataset.dataset(folder / "a.arrow", format="feather"), **told)
    parts = [table[:middle], table[middle:]] if middle else [table]
    for number, part in enumerate(parts):
        parquet.write_table(part, folder / f"{number}.parquet", row_group_size=1000)
    return blocks.plan([folder / f"{number}.parquet" for number in range(len(parts))], **told)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_the_bits_are_those_of_memory(m, n, source, dtype, order, weighted, tmp_path, monkeypatch):
    if source == "part" and order == "F":
        pytest.skip("rows of a file in F order are apart")
    monkeypatch.setattr(files, "WINDOWED", files.WINDOWED and source != "copied")
    X, y, s = drawn(m, n, dtype)
    s, X = s if weighted else None, np.asarray(X, order=order)
    here, there = in_memory(X, y, sample_weight=s, l2=0.3), made(source, tmp_path, X, y, s, order, l2=0.3)
    w, v = np.random.default_rng(1).standard_normal((2, n + 1))
    right, found = here.step(w[:-1].astype(dtype), dtype(w[-1])), there.step(w[:-1].astype(dtype), dtype(w[-1]))
    assert [found.cost, found.db, *found.dw] == [right.cost, right.db, *right.dw]
    assert (found.dw.dtype, type(found.cost), type(found.db)) == (dtype, type(right.cost), type(right.db))
    assert there.objective(w)[0] == here.objective(w)[0]
    np.testing.assert_array_equal(there.objective(w)[1], here.objective(w)[1])
    np.testing.assert_array_equal(there.hessp(w, v), here.hessp(w, v))
    assert (there.samples, there.features, there.dtype) == (m, n, dtype)


@pytest.mark.parametrize("source", ["npy", "callable", "parquet"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_several_classes(source, order, tmp_path):
    X, y, s = drawn(5001, 23, classes=4)
    here = in_memory(np.asarray(X, order=order), y, sample_weight=s, l2=0.3, classes=4)
    there = made(source, tmp_path, X, y, s, order, l2=0.3, classes=4)
    w, v = np.random.default_rng(1).standard_normal((2, 4 * 24))
    np.testing.assert_array_equal(there.objective(w)[1], here.objective(w)[1])
    np.testing.assert_array_equal(there.hessp(w, v), here.hessp(w, v))
    right, found = (plan.step(w[:92].reshape(4, 23), w[92:]) for plan in (here, there))
    assert found.cost == right.cost
    np.testing.assert_array_equal(found.dw, right.dw)
    np.testing.assert_array_equal(found.db, right.db)


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("memory", ["800 kB", "5 MB", "1 GB"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_neither_memory_nor_threads_change_a_bit(memory, threads, tmp_path):
    X, y, s = drawn(33000, 9)
    right = in_memory(X, y, sample_weight=s).step(np.ones(9), 0.5)
    found = made("npy", tmp_path, X, y, s, "C", memory=memory, threads=threads).step(np.ones(9), 0.5)
    assert [found.cost, found.db, *found.dw] == [right.cost, right.db, *right.dw]


def test_other_kinds_of_numbers_are_converted(tmp_path):
    X, y, s = drawn(900, 3, np.float32)
    right = in_memory(X, y).step(np.ones(3, np.float32), 0.5)
    for labels in (y.astype(bool), y.astype(np.int64), y.astype(np.float64)):
        np.save(tmp_path / "y.npy", labels)
        for found in (blocks.plan(X, tmp_path / "y.npy"), blocks.plan([(X, labels)])):
            assert found.step(np.ones(3, np.float32), 0.5).cost == right.cost
    whole = blocks.plan([(X[:400], y[:400], s[:400] > 0.5), (X[400:], y[400:], s[400:] > 0.5)])
    right = in_memory(X, y, sample_weight=s > 0.5).step(np.ones(3, np.float32), 0.5)
    assert whole.step(np.ones(3, np.float32), 0.5).cost == right.cost


def test_a_plan_says_what_it_does(tmp_path):
    X, y, _ = drawn(5000, 20)
    made_of = made("npy", tmp_path, X, y, None, "C")
    assert str(tmp_path) in made_of.explain()
    assert "2 threads at most" in blocks.plan([(X, y)], threads=2).explain() or made_of.threads == 1
    assert repr(blocks.plan([(X, y)], classes=2)) == (
        "<BlockPlan: the iterator of blocks, 20 features, float64, classes=2>"
    )


def test_a_copy_and_a_pickle_are_made_of_the_same(tmp_path):
    X, y, s = drawn(5000, 20)
    first = made("npy", tmp_path, X, y, s, "C", l2=0.1)
    right = first.objective(np.ones(21))[0]
    for again in (copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert again.objective(np.ones(21))[0] == right
        assert again.block == first.block


def test_a_pickle_has_the_place_of_a_memmap_and_not_its_values(tmp_path):
    X, y, s = drawn(5000, 20)
    first = made("memmap", tmp_path, X, y, s, "C")
    pickled = pickle.dumps(first)
    assert len(pickled) < 2000
    assert pickle.loads(pickled).objective(np.ones(21))[0] == first.objective(np.ones(21))[0]


def test_many_threads_use_a_plan(tmp_path):
    X, y, s = drawn(33000, 9)
    one = made("npy", tmp_path, X, y, s, "C")
    right, found = one.objective(np.ones(10))[0], []
    at_once = [threading.Thread(target=lambda: found.append(one.objective(np.ones(10))[0])) for _ in range(6)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    assert found == [right] * 6


@pytest.mark.parametrize("given", ["", "1 TBB", "GB", "-1 MB", "nan MB", "9" * 400 + " GB"])
def test_what_is_no_memory_is_refused(given):
    with pytest.raises(ValueError, match="memory is"):
        blocks.plan([(np.ones((3, 2)), np.ones(3))], memory=given)


@pytest.mark.parametrize(("given", "found"), [("8 GB", 8 * 10**9), ("1.5 KiB", 1536), ("7", 7), (10**12, 10**12)])
def test_memory_in_words(given, found):
    assert blocks.bytes_of(given) == found


def test_memory_for_fewer_than_two_blocks_is_refused():
    with pytest.raises(ValueError, match="expected 12,288 or more, for two blocks of 256 samples"):
        blocks.plan([(np.ones((3, 2)), np.ones(3))], memory="10 kB")
    assert blocks.plan([(np.ones((3, 2)), np.ones(3))], memory=12288).block == 256


LIMITED = """
import resource, sys
import numpy as np
from looptax.kernels.blocks import plan
from pathlib import Path
path, kind, memory = sys.argv[1:]
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
if kind in ("parquet", "arrow"):
    import pyarrow.dataset as arrow, pyarrow.parquet
one = np.load(path + "/X.npy", mmap_mode="r")[:3000]
def read():
    with open(path + "/X.npy", "rb") as X, open(path + "/y.npy", "rb") as y:
        X.seek(128), y.seek(128)
        while rows := X.read(1000 * 8 * 50):
            yield np.frombuffer(rows).reshape(-1, 50), np.frombuffer(y.read(8000))
few = plan([(np.array(one), np.arange(3000) % 2)])  # what the code itself takes
few.objective(np.zeros(51))
if kind == "npy":
    from looptax.kernels.sklearn import LogisticRegression
    model = LogisticRegression().fit(few)
if kind in ("parquet", "arrow"):
    plan(path + "/small.parquet", label="y").objective(np.zeros(51))
before = peak()
address = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
if kind in ("npy", "callable"):  # Arrow's allocator asks for address space that it does not use
    resource.setrlimit(resource.RLIMIT_AS, (address + 2 * int(memory) + 64 * 2**20,) * 2)
made = {
    "npy": lambda: plan(path + "/X.npy", path + "/y.npy", memory=int(memory)),
    "callable": lambda: plan(read, memory=int(memory)),
    "parquet": lambda: plan(path + "/a.parquet", label="y", memory=int(memory)),
    "arrow": lambda: plan(arrow.dataset(path + "/a.arrow", format="ipc"), label="y", memory=int(memory)),
}[kind]()
for _ in range(2):
    cost = made.objective(np.zeros(51))[0]
if kind == "npy":
    model.fit(made)
print(cost, peak() - before)
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["npy", "callable", "parquet", "arrow"])
def test_memory_is_kept_to_where_the_data_are_larger_than_what_there_is(kind, tmp_path):
    """400 MB, in 40 MB under a limit of the address space, also a fit; Arrow's 51 columns take a megabyte each."""
    m, memory = 1_000_000, 120_000_000 if kind == "parquet" else 40_000_000
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float64, (m, 50))
    for first in range(0, m, 100_000):
        X[first : first + 100_000] = np.random.default_rng(first).standard_normal((100_000, 50))
    y = np.random.default_rng(1).integers(0, 2, m).astype(np.float64)
    np.save(tmp_path / "y.npy", y)
    if kind in ("parquet", "arrow"):
        try:
            import pyarrow as pa
            from pyarrow import ipc, parquet
        except ImportError as error:
            lacking(str(error))
        names = [f"x{j}" for j in range(50)]
        schema = pa.schema([(name, pa.float64()) for name in [*names, "y"]])

        def rows(part, X=X):
            return pa.table(dict(zip(names, X[part].T, strict=True)) | {"y": y[part]}, schema)

        parquet.write_table(rows(slice(5000)), tmp_path / "small.parquet")
        if kind == "parquet":
            written = parquet.ParquetWriter(tmp_path / "a.parquet", schema)
        else:
            written = ipc.new_file(tmp_path / "a.arrow", schema, options=ipc.IpcWriteOptions(compression="lz4"))
        with written as writer:
            for first in range(0, m, 20_000):
                writer.write_table(rows(slice(first, first + 20_000)))
    del X
    done = python(LIMITED, str(tmp_path), kind, str(memory))
    assert done.returncode == 0, done.stderr
    cost, taken = map(float, done.stdout.split())
    assert cost == pytest.approx(np.log(2))
    assert taken < 1.1 * memory
