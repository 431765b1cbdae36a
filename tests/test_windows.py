"""Windows of files: what they show where a file ends, which blocks stay mapped, and bus errors that are not theirs."""

import mmap
import os
import signal

import numpy as np
import pytest
from fresh import python
from looptax.kernels import blocks
from looptax.kernels.blocks import files, window
from passes import B, W, drawn, nothing_is_left, on_disk  # noqa: F401


def test_a_window_shows_zeros_where_the_file_ends(tmp_path):
    if not files.WINDOWED:
        pytest.skip("no windows here")
    size = 8 * mmap.PAGESIZE
    (tmp_path / "a").write_bytes(b"\1" * size)
    with (tmp_path / "a").open("rb") as file:
        one, other = window.Window(file.fileno(), 5, size - 5), window.Window(file.fileno(), 0, mmap.PAGESIZE)
        os.truncate(tmp_path / "a", mmap.PAGESIZE)
        found = np.frombuffer(one, np.uint8)
        assert not one.torn
        assert [found[0], found[-1], found[mmap.PAGESIZE]] == [1, 0, 0]
        assert one.torn
        assert not other.torn
        other.load()
        one.load()
    assert not other.torn
    assert found.base is not None


def test_a_window_of_several_parts(tmp_path):
    """Columns of a file in F order, from whatever byte they begin at, and the end of the file in the midst of them."""
    if not files.WINDOWED:
        pytest.skip("no windows here")
    rows = 3 * mmap.PAGESIZE // 8 + 5
    X = np.arange(float(rows * 7)).reshape(rows, 7, order="F")
    (tmp_path / "a").write_bytes(bytes(88) + X.tobytes(order="F"))
    with (tmp_path / "a").open("rb") as file:
        for first, end in ((0, rows), (3, 4), (700, rows), (rows - 1, rows)):
            one = window.Window(file.fileno(), 88 + 8 * first, 8 * (end - first), 7, 8 * rows)
            one.load()
            found = np.ndarray((end - first, 7), X.dtype, memoryview(one), strides=(8, one.spacing))
            np.testing.assert_array_equal(found, X[first:end])
            assert not one.torn
        os.truncate(tmp_path / "a", 88 + 8 * rows * 3)
        assert found[-1, 1] == X[-1, 1]
        assert found[-1, 6] == 0
        assert one.torn


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("room", [0, 2, 100])
def test_blocks_stay_mapped_as_far_as_there_is_memory(order, room, tmp_path, monkeypatch):
    from looptax.kernels.blocks import plans

    if not files.WINDOWED:
        pytest.skip("no windows here")
    monkeypatch.setattr(plans, "MOST_BYTES", 10_000)
    X, y = drawn()
    np.save(tmp_path / "X.npy", np.asarray(X, order=order))
    np.save(tmp_path / "y.npy", y)
    size = 32 * blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy").block
    plan = blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy", memory=(plans.MOST_PLACES + room) * size)
    right = blocks.plan([(X, y)], order=order).step(W + 1, B).cost
    for _ in range(3):
        assert plan.step(W + 1, B).cost == right
    assert len(plan.source._kept[1]) == min(room, -(-3000 // plan.block))
    np.save(tmp_path / "other.npy", np.asarray(2 * X, order=order))
    os.replace(tmp_path / "other.npy", tmp_path / "X.npy")
    assert plan.step((W + 1) / 2, B).cost == pytest.approx(right)
    assert plan.step(W + 1, B).cost != right


def test_a_bus_error_after_faulthandler_came_between(tmp_path):
    """It had our handler before, and we have its: the process ends all the same."""
    code = """if True:
        import faulthandler, mmap, os, sys
        from looptax.kernels.blocks.window import Window
        with open(sys.argv[1], "w+b") as file:
            file.write(bytes(3 * mmap.PAGESIZE))
            file.flush()
            one = Window(file.fileno(), 0, 10)
            faulthandler.enable()
            two = Window(file.fileno(), 0, 10)
            theirs = mmap.mmap(file.fileno(), 3 * mmap.PAGESIZE)
            os.truncate(sys.argv[1], 10)
            theirs[2 * mmap.PAGESIZE]
    """
    if not files.WINDOWED:
        pytest.skip("no windows here")
    done = python(code, str(tmp_path / "a"))
    assert done.returncode == -signal.SIGBUS
    assert done.stderr.count("Fatal Python error") <= 2


def test_another_bus_error_ends_the_process(tmp_path):
    """Whether or not somebody handled it before."""
    code = """if True:
        import faulthandler, mmap, os, sys
        import numpy as np
        from looptax.kernels.blocks.window import Window
        if sys.argv[2] == "handled":
            faulthandler.enable()
        path = sys.argv[1]
        with open(path, "w+b") as file:
            file.write(bytes(3 * mmap.PAGESIZE))
            file.flush()
            ours = Window(file.fileno(), 0, 10)
            theirs = mmap.mmap(file.fileno(), 3 * mmap.PAGESIZE)
            os.truncate(path, 10)
            print(ours.torn, flush=True)
            theirs[2 * mmap.PAGESIZE]
    """
    if not files.WINDOWED:
        pytest.skip("no windows here")
    for how in ("plain", "handled"):
        done = python(code, str(tmp_path / "a"), how)
        assert done.stdout == "False\n"
        assert done.returncode == -signal.SIGBUS
        assert ("Bus error" in done.stderr) == (how == "handled")


def test_without_windows_left_blocks_are_copied(tmp_path, monkeypatch):
    plan = on_disk(tmp_path)
    right = plan.step(W + 1, B).cost
    asked = []

    def none_left(*given):
        asked.append(1)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(files, "Window", none_left)
    monkeypatch.setattr(files, "WINDOWED", True)
    assert blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy").step(W + 1, B).cost == right
    assert asked
