"""What goes wrong with blocks is told, with file, block and row; nothing is left open, and the plan stays usable."""

import os
import signal
import struct
import threading
import time
from queue import SimpleQueue

import numpy as np
import pytest
from fresh import interruptible, python, soon, started
from looptax.kernels import blocks
from looptax.kernels.blocks import ahead, files
from passes import B, W, drawn, is_usable, nothing_is_left, on_disk  # noqa: F401


@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize("to", [0, 100, 20_000, 72_127])
def test_a_file_that_shrinks_between_passes(windowed, to, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "WINDOWED", files.WINDOWED and windowed)
    plan = on_disk(tmp_path)
    before = (tmp_path / "X.npy").read_bytes()
    is_usable(plan)
    os.truncate(tmp_path / "X.npy", to)
    with pytest.raises(ValueError, match=rf"X.npy has {to:,} bytes, and should have 72,128: it is cut short"):
        plan.step(W, B)
    (tmp_path / "X.npy").write_bytes(before)
    is_usable(plan)


@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize("to", [0, 20_000, 72_000])
def test_a_file_that_shrinks_in_a_pass(windowed, to, tmp_path, monkeypatch):
    """After the reader has seen it, before the kernel has."""
    monkeypatch.setattr(files, "WINDOWED", files.WINDOWED and windowed)
    plan = on_disk(tmp_path)
    original = files.OpenFile.part

    def part(self, first, end):
        if first and self.array.path.endswith("X.npy"):
            os.truncate(self.array.path, to)
        return original(self, first, end)

    monkeypatch.setattr(files.OpenFile, "part", part)
    with pytest.raises(ValueError, match=r"X.npy (became shorter|ended|has .* bytes)"):
        plan.step(W, B)


def test_a_header_that_finds_no_memory_is_no_damaged_one(tmp_path, monkeypatch):
    def read_magic(file):
        raise MemoryError

    on_disk(tmp_path)
    monkeypatch.setattr(np.lib.format, "read_magic", read_magic)
    with pytest.raises(MemoryError):
        blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy")


def test_files_that_are_none(tmp_path):
    X, y = drawn()
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ValueError, match=r"text.npy is no .npy file"):
        blocks.plan(tmp_path / "text.npy", y)
    with pytest.raises(FileNotFoundError, match="missing"):
        blocks.plan(tmp_path / "missing.npy", y)
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"cut.npy has 72,127 bytes, and should have 72,128"):
        blocks.plan(tmp_path / "cut.npy", y)
    for array, told in (
        (X[:, 0], "X, .*, has shape .*; expected 2-D"),
        (X.astype(int), "X has dtype int64; expected float32 or float64"),
        (X[:0], "expected at least one sample"),
        (np.array([[None]]), "X has dtype object"),
    ):
        np.save(tmp_path / "other.npy", array)
        with pytest.raises((TypeError, ValueError), match=told):
            blocks.plan(tmp_path / "other.npy", y)
    for labels, told in (
        (y[:-1], "y has 2999 numbers; expected 3000"),
        (X, "y, .*, has shape"),
        (y.astype("U1"), "y has dtype"),
    ):
        np.save(tmp_path / "y.npy", labels)
        with pytest.raises((TypeError, ValueError), match=told):
            blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy")


@pytest.mark.filterwarnings("ignore:Reading `.npy`")
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9, 2), ",  # tokenize.TokenError
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-9, 2), }",
        "{[]: 1}",  # TypeError
        "{1: 2, 'a': 3}",
        "  {'a':\n 1\n   }\n x",  # IndentationError
        "(" * 9000,  # MemoryError, or RecursionError
    ],
    ids=["open", "negative", "list", "mixed", "indented", "deep"],
)
def test_a_damaged_header(tmp_path, header, version):
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    path = tmp_path / "X.npy"
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + bytes(200))
    with pytest.raises(ValueError, match=r"X\.npy is no \.npy file"):
        blocks.plan(path, np.ones(9))


@pytest.mark.parametrize("value", [2, -1, np.nan])
@pytest.mark.parametrize("classes", [None, 2])
def test_a_label_that_is_none_is_found_in_its_row(value, classes, tmp_path):
    plan = on_disk(tmp_path, classes=classes)
    w = (W, B) if classes is None else (np.zeros((2, 3)), np.zeros(2))
    y = np.load(tmp_path / "y.npy", mmap_mode="r+")
    right, y[2345] = y[2345], value
    y.flush()
    with pytest.raises(ValueError, match=rf"y.npy, row 2,345: y\[2345\] is {float(value)}; expected"):
        plan.step(*w)
    with pytest.raises(ValueError, match=r"row 2,345|^$") if classes else _nothing():
        plan.hessp(np.zeros(4 * (classes or 1)), np.ones(4 * (classes or 1)))
    y[2345] = right
    y.flush()
    assert plan.step(*w).cost == pytest.approx(np.log(2))


def _nothing():
    from contextlib import nullcontext

    return nullcontext()  # the curvature of two classes has no label in it


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_weight_that_is_none_is_found_in_its_row(value):
    X, y = drawn()
    s = np.ones(3000)
    s[2345] = value
    plan = blocks.plan([(X[k : k + 100], y[k : k + 100], s[k : k + 100]) for k in range(0, 3000, 100)])
    for call in (lambda: plan.step(W, B), lambda: plan.hessp(np.zeros(4), np.ones(4))):
        with pytest.raises(ValueError, match=rf"block 23, row 45: sample_weight\[2345\] is {value}; expected a finite"):
            call()
    s[2345] = 0
    is_usable(plan)
    s[:] = 0
    with pytest.raises(ValueError, match="weight 0"):
        plan.step(W, B)


def test_nan_is_no_fault_but_a_result():
    X, y = drawn()
    X[1234, 1] = np.nan
    assert np.isnan(blocks.plan([(X, y)]).step(W, B).cost)


BAD = {
    "no pair": (np.ones((3, 3)), TypeError, "block 2 is a ndarray; expected"),
    "another width": ((np.ones((3, 4)), np.ones(3)), ValueError, "block 2 has 4 features of float64"),
    "another dtype": ((np.ones((3, 3), np.float32), np.ones(3)), ValueError, "block 2 has 3 features of float32"),
    "weights": ((np.ones((3, 3)), np.ones(3), np.ones(3)), ValueError, "weights; expected 3 features of float64, no"),
    "integers": ((np.ones((3, 3), int), np.ones(3)), TypeError, "block 2: X has dtype int64"),
    "fewer labels": ((np.ones((3, 3)), np.ones(2)), ValueError, "block 2: y has 2 numbers; expected 3"),
    "words": ((np.ones((3, 3)), np.array(["a", "b", "c"])), TypeError, "block 2: y has dtype <U1"),
    "a list": (([[1.0]], np.ones(1)), TypeError, "block 2: X is a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_block_that_is_none_is_named(name):
    X, y = drawn(100)
    item, error, told = BAD[name]
    plan = blocks.plan(lambda: iter([(X, y), (X, y), item, (X, y)]))
    with pytest.raises(error, match=told):
        plan.step(W, B)


def test_no_block_is_refused_and_empty_ones_are_not():
    X, y = drawn(100)
    for given in ([], lambda: iter(())):
        with pytest.raises(ValueError, match="yields no sample"):
            blocks.plan(given)
    is_usable(blocks.plan([(X[:0], y[:0]), (X, y), (np.empty((0, 0)), y[:0])]), 100)
    is_usable(blocks.plan([(np.empty((0, 0), np.float32), y[:0]), (X, y)]), 100)
    with pytest.raises(ValueError, match="yields no sample"):
        blocks.plan([(X[:0], y[:0])])
    passes = iter([[(X, y)], []])
    with pytest.raises(ValueError, match="has no sample"):
        blocks.plan(lambda: iter(next(passes))).step(W, B)


def test_what_an_iterator_raises_is_passed_on_and_it_is_closed():
    X, y = drawn(100)
    closed, broken = [], [True]

    def given():
        try:
            yield X, y
            yield X, y
            if broken[0]:
                raise ConnectionResetError("the other side")
        finally:
            closed.append(1)

    plan = blocks.plan(given, memory="70 kB")
    closed.clear()
    with pytest.raises(ConnectionResetError, match="the other side") as told:
        plan.step(W, B)
    assert told.value.__notes__ == ["It was raised by the iterator of blocks, for block 2."]
    assert closed == [1]
    broken[0] = False
    is_usable(plan, 200)
    bad = blocks.plan(given, memory="70 kB", classes=2)
    closed.clear()
    y[3] = 7
    with pytest.raises(ValueError, match=r"block 0, row 3: y\[3\] is 7"):
        bad.step(np.zeros((2, 3)), np.zeros(2))
    assert soon(lambda: closed == [1], 10)


def test_an_iterator_is_left_where_nobody_wants_more():
    X, y = drawn(100)
    asked, wrong = [], y.copy()
    wrong[3] = 7

    def given():
        yield X, wrong
        for _ in range(10_000):
            yield X, y
        for _ in range(50):
            asked.append(1)
            time.sleep(0.05)
            yield X[:1], y[:1]

    plan = blocks.plan(given, memory="70 kB")
    with pytest.raises(ValueError, match=r"block 0, row 3"):
        plan.step(W, B)
    assert not asked


def test_a_failed_pass_keeps_no_memory():
    import gc
    import weakref

    X, y = drawn(3000)
    y[2999] = 7
    plan, seen = blocks.plan([(X, y)]), []
    original = plan.source.places
    plan.source.places = lambda *given: [seen.append(weakref.ref(one.X)) or one for one in original(*given)]
    gc.disable()
    try:
        for _ in range(3):
            with pytest.raises(ValueError, match="is 7"):
                plan.step(W, B)
        assert not [one for one in seen if one() is not None]
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_reader_whose_last_word_is_lost_is_not_waited_for(monkeypatch):
    """Nothing can be put in its queue any more, as where memory runs out; its error keeps it from being collected."""
    ended = []

    class Lossy(SimpleQueue):
        def put(self, what):
            if what is None:
                raise MemoryError
            super().put(what)

    def blocks(places):
        raise ValueError("a fault in a file")
        yield

    def read():
        try:
            list(ahead.ahead(blocks, [1]))
        except ValueError as error:
            ended.append(str(error))

    monkeypatch.setattr(ahead, "SimpleQueue", Lossy)
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(30)
    assert ended == ["a fault in a file"]


def test_a_reader_that_cannot_be_woken_ends_by_itself(monkeypatch):
    """Where memory runs out, what nobody wants more of is told by no call."""

    def wake(self):
        raise MemoryError

    monkeypatch.setattr(ahead.Places, "wake", wake)
    X, y = drawn()
    y[0] = 3
    with pytest.raises(ValueError, match=r"y\[0\] is 3.0"):
        blocks.plan(lambda: iter([(X, y)] * 1000), memory="100 kB").step(W, B)


@pytest.mark.parametrize("what", ["label", "memory", "order", "classes", "threads", "l2"])
def test_wrong_arguments(what):
    wrong = {"label": 3, "memory": 0, "order": "K", "classes": 1, "threads": 0, "l2": -1}[what]
    with pytest.raises((TypeError, ValueError), match=what):
        blocks.plan([drawn()], **{what: wrong})


def test_there_is_no_whole_hessian():
    with pytest.raises(NotImplementedError, match="hessp"):
        blocks.plan([drawn()]).hessian(np.zeros(4))


def test_dw_is_checked():
    plan = blocks.plan([drawn()])
    with pytest.raises(ValueError, match="dw is a ndarray of shape \\(4,\\), float64; expected"):
        plan.step_into(W, B, np.zeros(4))
    with pytest.raises(ValueError, match="w has 2 weights"):
        plan.step(np.zeros(2), B)


ENDLESS = """if True:
    import sys, time
    import numpy as np
    from looptax.kernels.blocks import plan
    X, y = np.ones((1000, 50)), np.ones(1000)
    def blocks():
        while True:
            yield X, y
            if sys.argv[1] == "slow" and started:
                time.sleep(1000)
    started = []
    p = plan(blocks, memory="4 MB")
    started.append(1)
    print("begun", flush=True)
    p.step(np.zeros(50), 0.0)
"""


@pytest.mark.parametrize("pace", ["fast", "slow"])
def test_ctrl_c_in_a_pass_ends_it(pace):
    import sys

    with started(*interruptible(sys.executable, "-I", "-c", ENDLESS, pace)) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert "KeyboardInterrupt" in process.stderr.read()
        assert process.returncode == -signal.SIGINT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_plans(tmp_path):
    code = """if True:
        import os, sys
        import numpy as np
        from looptax.kernels.blocks import plan
        p = plan(sys.argv[1] + "/X.npy", sys.argv[1] + "/y.npy", memory="100 kB")
        right = p.objective(np.ones(4))[0]
        child = os.fork()
        if not child:
            os._exit(int(p.objective(np.ones(4))[0] != right))
        assert os.waitpid(child, 0)[1] == 0
        assert p.objective(np.ones(4))[0] == right
    """
    on_disk(tmp_path)
    done = python(code, str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_in_a_pass_does_not_wait_for_a_thread_it_does_not_have(tmp_path):
    code = """if True:
        import os, signal, sys
        from looptax.kernels.blocks import plan
        p = plan(sys.argv[1] + "/X.npy", sys.argv[1] + "/y.npy", memory="100 kB")
        blocks = p.each(lambda block: len(block.y))
        sizes = [next(blocks)]
        child = os.fork()
        if not child:
            signal.alarm(20)
            try:
                list(blocks)
            except MemoryError as error:
                os._exit("parent process" not in str(error))
        assert os.waitpid(child, 0)[1] == 0
        assert sum([*sizes, *blocks]) == p.samples
    """
    on_disk(tmp_path, 30_000)
    done = python(code, str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["iterator", "array", "file"])
def test_rounding_hides_neither_a_label_nor_a_weight_that_is_none(kind, tmp_path):
    X, y = drawn()
    X, s, almost, below = X.astype(np.float32), np.ones(3000), y.copy(), np.ones(3000)
    almost[2345], below[2345] = 1 - 1e-12, -1e-300

    def made(y, s):
        if kind == "iterator":
            return blocks.plan([(X[k : k + 700], y[k : k + 700], s[k : k + 700]) for k in range(0, 3000, 700)])
        if kind == "file":
            for name, vector in (("y", y), ("s", s)):
                np.save(tmp_path / f"{name}.npy", vector)
            y, s = tmp_path / "y.npy", tmp_path / "s.npy"
        return blocks.plan(X, y, sample_weight=s)

    w, row = W.astype(np.float32), "row (245|2,345): " if kind != "array" else ""
    with pytest.raises(ValueError, match=rf"{row}y\[2345\] is 0\.99+; expected (a|every) label"):
        made(almost, s).step(w, B)
    with pytest.raises(ValueError, match=rf"{row}sample_weight\[2345\] is -1e-300; expected a finite"):
        made(y, below).step(w, B)
    found = made(y.astype(np.int64), s.astype(bool)).step(w, B)
    assert found.cost == made(y, s).step(w, B).cost


@pytest.mark.parametrize("what", ["gone", "another", "renamed"])
def test_a_memmap_whose_path_names_another_file_is_read_where_it_is_mapped(what, tmp_path):
    X, y = drawn()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    here = blocks.plan(mapped, y)
    right = here.step(W + 1, B).cost
    (tmp_path / "X.npy").rename(tmp_path / "Y.npy")
    if what == "gone":
        (tmp_path / "Y.npy").unlink()
    if what == "another":
        np.save(tmp_path / "X.npy", np.zeros_like(X))
    assert blocks.plan(mapped, y).step(W + 1, B).cost == right
    assert "X.npy" in here.explain()


def test_the_same_iterator_again_is_no_other_pass():
    X, y = drawn(100)
    for made in (iter([(X, y)] * 3), (one for one in [(X, y)] * 3), map(tuple, [(X, y)] * 3)):
        plan = blocks.plan(lambda made=made: made)
        with pytest.raises(ValueError, match="returns the same iterator again; expected a fresh one"):
            plan.step(W, B)


def test_passes_at_once_with_other_blocks_keep_their_own(tmp_path):
    """Of one source: a fit's plan has smaller blocks, as it leaves memory for the metric."""
    X, y = drawn(7000)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    plan = blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy", memory="1 MB")
    other = plan.penalised(0.0, 900_000)
    assert other.block < plan.block
    right = plan.step(W + 1, B).cost
    first = plan.each(lambda block: len(block.y))
    sizes = [next(first)]
    assert other.step(W + 1, B).cost == right
    sizes += first
    assert sum(sizes) == 7000
    for each in (plan, other, plan):
        assert each.step(W + 1, B).cost == right
