"""Every kernel, build, schedule, layout and dtype on arrays beside inaccessible pages, at either end.

Each function takes `say`, which is told of each call before it is made, and a share: 1 for all of the product of what
there is, 53 for every 53rd placement. A share that is odd and no multiple of 19, the number of layouts, takes turns
with layouts, dtypes and ends. Each prints how many calls it made.
"""

import ctypes
import tempfile
from importlib import import_module
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from guarded import LAYOUTS, PAGE, Place, fits
from looptax.kernels import blocks, plan
from looptax.kernels.blocks.window import Window
from looptax.kernels.choose import isa, team
from looptax.kernels.choose.schedule import WHOLE, Schedule
from looptax.kernels.ladder import LADDER

DTYPES = (np.float32, np.float64)
ENDS = {"begins": False, "ends": True}
TILES = (1, 1 << 9, WHOLE)
SCHEDULES = [
    *(Schedule(tile, streamed, features) for tile in TILES for streamed in (False, True) for features in (False, True)),
    *(Schedule(tile, overlapped=True, prefetch=p) for tile in TILES[:2] for p in (0, 1024)),
    Schedule(1 << 9, prefetch=256),
]
SOME = (1, 2, 3, 5, 8, 17, 33)
#: Astride all vectors, and what is unrolled of them: up to 18 all pairs, up to 40 with some others.
SMALL = [(m, n) for m in range(1, 41) for n in range(1, 41) if max(m, n) < 19 or m in SOME or n in SOME]
FEW = [(m, n) for m in (1, 2, 3, 5, 8, 15, 17, 33) for n in (1, 2, 3, 4, 7, 8, 9, 16, 17, 31)]
BIG = [(257, 33), (300, 17), (65, 130), (5, 700), (70, 700), (2100, 3), (1030, 9), (4100, 1), (129, 257)]
SHARED = [(6000, 40), (20_000, 9), (300, 1100), (70_000, 2)]  # among threads
NUMBERS = np.random.default_rng(1).standard_normal(1 << 20)
LABELS = NUMBERS[::-1] > 0


def builds(kernel):
    """Return the modules of a kernel that this CPU can run, by instruction set."""
    return {level: import_module(f"looptax.kernels.{name}") for level, name in isa.available(kernel).items()}


def placements(shapes, layouts, share):
    """Yield the name of each placement of X, and how it is made: a part of their product, none left out for long."""
    every = product(shapes, layouts, DTYPES, ENDS)
    for number, ((m, n), layout, dtype, end) in enumerate(every):
        if number % share == 0 and fits(layout, m, n, np.dtype(dtype).itemsize):
            name = f"{m}x{n} {np.dtype(dtype)}, {layout}, {end} at a page that is not there"
            yield name, (m, n), layout, dtype, ENDS[end]


def given(place, shape, layout, dtype, end):
    """Return X, y, w, the weights of samples and dw, each in a place of its own."""
    m, n = shape
    X = place("X", NUMBERS[: m * n].reshape(m, n).astype(dtype), end, layout)
    y, w = place("y", LABELS[:m].astype(dtype), end), place("w", NUMBERS[7 : n + 7].astype(dtype), end)
    s, dw = place("s", np.abs(NUMBERS[9 : m + 9]).astype(dtype), end), place("dw", np.zeros(n, dtype), end)
    return X, y, w, s, dw


def tuned(say, share, shapes=SMALL + BIG, threads=1, megabytes=4):
    """The top rung, by every schedule and build, with weights of samples and without; and its sums of blocks."""
    calls, place, modules = 0, Place(megabytes), builds("cython_tuned")
    for name, *how in placements(shapes, LAYOUTS, share):
        X, y, w, s, dw = given(place, *how)
        for level, module in modules.items():
            for k, schedule in enumerate(SCHEDULES):
                say(f"cython_tuned {level} {schedule} {name}")
                module.Bound(X, y, threads, schedule, s if k % 2 else None, 0.5).step_into(w, 0.25, dw)
            for order in "CF":
                say(f"cython_tuned {level} sums in {order} order, {name}")
                module.sums(X, y, s, w, 0.25, order, threads)
            calls += len(SCHEDULES) + 2
    print(calls)


def shared(say, share):
    """The same among three threads, as on a machine with eight CPUs."""
    team.set_quota(0)
    team.pretend(8)
    tuned(say, share, SHARED, 3, 16)


def rungs(say, share):
    """The other compiled rungs, in every build."""
    calls, place = 0, Place()
    steps = [(f"{rung.name} {level}", module.step) for rung in LADDER if rung.family == "cython"
             for level, module in builds(rung.module).items()]  # fmt: skip
    for name, *how in placements(FEW + BIG, LAYOUTS, share):
        X, y, w, *_ = given(place, *how)
        for rung, step in steps:
            say(f"{rung} {name}")
            step(X, y, w, 0.25)
            calls += 1
    print(calls)


def compressed(place, X, wide, end):
    """Return SciPy's compressed rows of X, whose three arrays are in their places."""
    from scipy.sparse import csr_array

    kept = np.where(np.arange(X.size).reshape(X.shape) % 3, X, 0)
    found, kind = csr_array(kept), np.int64 if wide else np.int32
    found.data = place("data", found.data, end)
    found.indices, found.indptr = (
        place(name, getattr(found, name).astype(kind), end) for name in ("indices", "indptr")
    )
    return found


def several(say, share):
    """Several classes and curvature, X dense and sparse, in every build; of sparse X the layout does not count."""
    calls, place, modules = 0, Place(), builds("variants.several")
    forms = [*LAYOUTS, "sparse", "sparse, wide"]
    for name, shape, layout, dtype, end in placements(FEW + BIG[:4], forms, share):
        sparse = layout.startswith("sparse")
        X, y, _, s, _ = given(place, shape, "C" if sparse else layout, dtype, end)
        if sparse:
            X = compressed(place, X, "wide" in layout, end)
        m, n = shape
        for (level, module), classes, tile in product(modules.items(), (1, 2, 3, 9), (1, 0)):
            size = classes * (n + 1)
            both = place("both", NUMBERS[: 2 * size].astype(dtype), end)
            at = place("params", both[:size], end)
            labels = y if classes == 1 else place("labels", (np.arange(m) % classes).astype(dtype), end)
            told = f"several {level}, {classes} classes, tile {tile}, {name}"
            bound = module.Bound(X, labels, s if tile else None, 0.5, classes, 1, tile)
            say(f"{told}: step")
            bound.step(at)
            say(f"{told}: hessp")
            bound.hessp(both)
            calls += 2
            if not sparse and n <= 33:
                say(f"{told}: hessian")
                bound.hessian(at, 0, classes - 1)
                calls += 1
    print(calls)


def plans(say, share):
    """What users call: all that plans do, of X in memory, in compressed rows, and in blocks."""
    calls, place = 0, Place()
    for name, shape, layout, dtype, end in placements(FEW + BIG[:4], LAYOUTS, share):
        X, y, w, s, dw = given(place, shape, layout, dtype, end)
        n = shape[1]
        kinds = [(plan, X, {"l2": 0.5}), (blocks.plan, X, {"memory": 1 << 22})]
        if layout == "C":
            kinds.append((plan, compressed(place, X, False, end), {}))
        params = place("params", NUMBERS[: n + 1].copy(), end)
        for make, samples, more in kinds:
            kind = f"{make.__module__} of {type(samples).__name__}"
            say(f"{kind}, {name}")
            one = make(samples, y, sample_weight=s, **more)
            for call, arguments in {
                "step": (w, 0.25), "step_into": (w, 0.25, dw), "objective": (params,), "hessp": (params, params),
                "hessian": (params,),
            }.items():  # fmt: skip
                if call != "hessian" or (n <= 33 and make is plan):
                    say(f"{kind}, {call}, {name}")
                    getattr(one, call)(*arguments)
                    calls += 1
    print(calls)


def windows(say, share):
    """X in a window of a file: what is between its rows or columns is not there, as between islands."""
    calls, place, modules = 0, Place(), builds("cython_tuned")
    with tempfile.TemporaryFile() as file:
        NUMBERS[: 64 * PAGE // 8].tofile(file)
        file.flush()
        for name, shape, layout, dtype, end in placements(FEW, ["row islands", "column islands"], share):
            _, y, w, s, dw = given(place, shape, "C", dtype, end)
            (m, n), size = shape, np.dtype(dtype).itemsize
            count, length = (m, n) if layout.startswith("row") else (n, m)
            window = Window(file.fileno(), PAGE - length * size if end else 0, length * size, count, PAGE)
            strides = (window.spacing, size) if layout.startswith("row") else (size, window.spacing)
            X = np.ndarray(shape, dtype, window, 0, strides)
            for level, module in modules.items():
                for schedule in SCHEDULES:
                    say(f"window, cython_tuned {level} {schedule} {name}")
                    module.Bound(X, y, 1, schedule, s).step_into(w, 0.25, dw)
                    calls += 1
    print(calls)


def blocks_of_files(say, share):
    """Blocks that are windows of a file, an .npy file of a megabyte in either order, whose end is that of a page."""
    calls = 0
    with tempfile.TemporaryDirectory() as folder:
        for dtype, order, n in list(product(DTYPES, "CF", (1, 2, 7, 16)))[::share]:
            m = (max(1 << 20, 16 * PAGE) - 128) // (n * np.dtype(dtype).itemsize)  # NumPy's header has 128 bytes
            X = np.asarray(NUMBERS[: m * n].reshape(m, n), dtype, order)
            path = Path(folder, "X.npy")
            np.save(path, X)
            say(f"blocks of a file, {np.dtype(dtype)} {m}x{n} {order}")
            one = blocks.plan(path, LABELS[:m].astype(dtype), memory="512 KiB")
            found, right = one.step(np.ones(n, dtype), 0.25), plan(X, LABELS[:m]).step(np.ones(n, dtype), 0.25)
            assert found.dw.tobytes() == right.dw.tobytes()
            calls += 1
    print(calls)


ALL = ("tuned", "shared", "rungs", "several", "plans", "windows", "blocks_of_files")


# What must be found: reads of what is just before an array, or just behind it.

PLANTED = ("X behind", "X before", "y behind", "y before", "s behind", "indptr behind", "a copy behind")


def shifted(array, by):
    """Return an array of the same form, as if it began so many rows or numbers later."""
    interface = {**array.__array_interface__, "strides": array.strides}
    interface["data"] = (array.ctypes.data + by * array.strides[0], True)
    return np.asarray(SimpleNamespace(__array_interface__=interface))


def planted(say, what, level, dtype):
    """Make calls that are right, and then one that is told that an array begins one element from where it does."""
    name, by = what.split()[0], -1 if what.endswith("before") else 1
    place = Place()
    X, y, w, s, dw = given(place, (17, 9), "C", np.dtype(dtype).type, by > 0)
    sparse = compressed(place, X, False, by > 0)
    module, several = builds("cython_tuned")[level], builds("variants.several")[level]
    for told in ("nothing", name):
        say(f"{told} of {what}")
        if told == "a":
            ctypes.memmove(ctypes.create_string_buffer(1), X.ctypes.data + X.nbytes, 1)
        if told == "indptr":
            sparse.indptr = shifted(sparse.indptr, by)
        X, y, s = (shifted(one, by) if told == own else one for own, one in (("X", X), ("y", y), ("s", s)))
        module.Bound(X, y, 1, SCHEDULES[0], s).step_into(w, 0.25, dw)
        several.Bound(sparse, y, s, 0.5, 1, 1).step(np.zeros(10, dtype))
        print(told, "is not found", flush=True)
