"""Which schedule suits this CPU: how `cython_tuned` goes through X, for speed alone.

Rules of thumb from the sizes of the caches, changed where a CPU was measured to want something else (`KNOWN`). The
environment variable LOOPTAX_SCHEDULE sets one schedule for every X: such as "tile=65536" or
"tile=2097152,streamed,by_features". What is best for one shape is found by measuring: ``plan(..., effort="measure")``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ...pyimpl.parts.contract import shown
from . import cpu

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Environment variable that names the schedule to use for every X.
VARIABLE = "LOOPTAX_SCHEDULE"
WHOLE = 1 << 62  # bytes: a tile of all samples, of which X is read twice
KB, MB = 1 << 10, 1 << 20
FLAGS = ("streamed", "by_features", "overlapped")  # as a schedule's text has them


class Schedule(NamedTuple):
    """How a step goes through X.

    Attributes
    ----------
    tile_bytes : int
        Of X, read for z and then again for the gradient.
    streamed : bool
        Rows one after the other, columns from end to end of a tile; else several side by side.
    by_features : bool
        Threads share the features of a tile, along columns; else each has its own samples.
    overlapped : bool
        The next tile of rows is read for z while the gradient of this one is taken.
    prefetch : int
        Bytes of a row or column that are fetched ahead, where several are read side by side, and for each 64 of
        them one column; 0: nothing is.
    """

    tile_bytes: int
    streamed: bool = False
    by_features: bool = False
    overlapped: bool = False
    prefetch: int = 0

    def __str__(self) -> str:
        tile = "whole" if self.tile_bytes >= WHOLE else str(self.tile_bytes)
        ahead = [f"prefetch={self.prefetch}"] if self.prefetch else []
        return ",".join([f"tile={tile}", *(name for name in FLAGS if getattr(self, name)), *ahead])

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Return the schedule that `str` wrote.

        Raises
        ------
        ValueError
            It is not of that form.
        """
        tile, *words = text.replace(" ", "").split(",")
        size = WHOLE if tile == "tile=whole" else _bytes(tile, "tile=")
        if not size:
            raise ValueError(
                f"schedule {shown(text)} begins with {shown(tile)}; expected tile=, and bytes or the word whole"
            )
        ahead = max((_bytes(word, "prefetch=") for word in words), default=0)
        unknown = {word for word in words if word not in FLAGS and not _bytes(word, "prefetch=")}
        if unknown:
            raise ValueError(
                f"schedule {shown(text)} has {shown(min(unknown))}; "
                f"expected some of {', '.join(FLAGS)}, prefetch= and bytes"
            )
        streamed, by_features, overlapped = (name in words for name in FLAGS)
        return cls(size, streamed, by_features, overlapped, min(ahead, MB))


def _bytes(word: str, name: str) -> int:
    """Return the number after a name, up to `WHOLE`; 0 where there is none."""
    number = word.removeprefix(name)
    return min(int(number[:19]), WHOLE) if word.startswith(name) and number.isascii() and number.isdigit() else 0


class Cpu(NamedTuple):
    """What the rules need to know of a CPU.

    Attributes
    ----------
    name : str
        What it is, and where its numbers are from.
    first_level, second_level, last_level : int
        Bytes of the caches, as one core sees them.
    streamed : bool
        Whether rows from memory are read one after the other.
    wide : int
        Bytes of a chunk of columns that are still worth reading again from the last cache.
    deep : bool
        Whether a tile best stays in a core's second-level cache, with nothing fetched ahead.
    """

    name: str
    first_level: int
    second_level: int
    last_level: int
    streamed: bool = False
    wide: int = 0
    deep: bool = False


#: (vendor, family, models) → bytes of a core's own caches, and what was measured there, or follows from how they are
#: made. The caches are stated for a virtual machine may pass on a CPU's name and make up its caches (QEMU: 4 MB of
#: second level).
KNOWN: tuple[tuple[str, int, Sequence[int], str, tuple[int, int], dict[str, Any]], ...] = (
    # Zen 3, 2 cores, float64: F 100,000 x 500 wants tiles of 2 MB in the last cache, F 2,000 x 10,000 two reads.
    ("AuthenticAMD", 25, (*range(0x10), *range(0x20, 0x60)), "Zen 3", (32 * KB, 512 * KB),
     {"streamed": True, "wide": 8 * MB}),
    # Zen 4, 300,000 x 100, float64, 1 thread: rows side by side 10 GB/s, one after the other 22 GB/s. Tiles of
    # 256 KB in place of 11 KB, 2 threads, float32, C order: 1,000 x 100 0.89 of the time, 100,000 x 500 0.53.
    ("AuthenticAMD", 25, (*range(0x10, 0x20), *range(0x60, 0xB0)), "Zen 4", (32 * KB, MB),
     {"streamed": True, "wide": 8 * MB, "deep": True}),
    # Zen 5 follows eight rows; its last cache is that of Zen 4.
    ("AuthenticAMD", 26, range(256), "Zen 5", (48 * KB, MB), {"wide": 8 * MB}),
    # Emerald Rapids, 2 cores: rows side by side as fast or faster; F 10,000 x 2,000 (chunks of 4 MB) wants two reads.
    ("GenuineIntel", 6, (143, 207), "Sapphire or Emerald Rapids", (48 * KB, 2 * MB), {}),
)  # fmt: skip


def this_cpu() -> Cpu:
    """Return what is known of this CPU; where nothing is, what follows from its caches."""
    first, second, last = cpu.caches()
    vendor, family, model = cpu.identity()
    known, changes = "", {}
    for known_vendor, known_family, models, name, own, more in KNOWN:
        if (vendor, family) == (known_vendor, known_family) and model in models:
            known, (first, second), changes = f"{name}, ", own, more
    first, second = first or 32 * KB, second or 512 * KB  # the least of these years
    last = max(last, second)
    caches = f"caches of {first // KB} KB, {second // KB} KB, {last // MB} MB"
    return Cpu(known + caches, first, second, last, **changes)


def source() -> str:
    """Return where the schedules of `fastest` come from, in words."""
    return f"set by {VARIABLE}" if os.environ.get(VARIABLE) else f"for {this_cpu().name}"


def rules(of: Cpu | None = None) -> dict[str, dict[str, int | bool] | int]:
    """Return the rules of schedule.pxd, as C takes them: a schedule for each situation, and what tells them apart.

    A tile of rows stays in the first-level cache, where the gradient reads it again while the next tile is read; but
    not where rows are short and X is near, for then the gradient stays in registers and nothing is waited for.
    Along columns a chunk of samples is the least tile: it is read again from a core's own second-level cache; where
    it is larger, threads share its features; and where even the last cache would be slower than memory, whole columns
    are read twice. Arrays seldom begin at a multiple of 64 bytes, and a load that needs two lines of a cache waits for
    both: so what comes from caches is fetched ahead, too, but for columns that are a multiple of 64 bytes apart.
    """
    of = of or this_cpu()
    own, near = of.second_level // 2, of.first_level * 5 // 9
    rows = Schedule(of.first_level // 3, overlapped=True, prefetch=4 * KB)
    found: dict[str, Schedule | int] = {
        "rows": rows,
        "short_rows": rows._replace(overlapped=False),
        "wide_rows": rows._replace(prefetch=KB),
        "far_rows": Schedule(near, streamed=True) if of.streamed else rows,
        "columns": Schedule(near, prefetch=256),
        "middle_columns": Schedule(near, streamed=True, prefetch=256),
        "shared_columns": Schedule(of.wide // 4 or of.second_level, by_features=True),
        "wide_columns": Schedule(near, streamed=True, by_features=True),
        "columns_middle": of.second_level * 3 // 2,
        "rows_far": max(of.second_level, min(of.last_level, 32 * MB)),
        "columns_far": 4 * of.second_level,
        "far_columns": Schedule(of.wide // 2 or of.second_level, streamed=True),
        "columns_memory": WHOLE,
        "wide_row": KB,
        "own": own,
        "wide": of.wide or of.second_level * 5 // 4,
        "given": False,
    }
    if of.deep:  # a tile holds at least eight rows, or the rows are a stream each
        tile, memory = Schedule(of.second_level // 4), min(of.last_level, 32 * MB) // 2
        found |= dict.fromkeys(("rows", "short_rows", "columns", "middle_columns"), tile)
        found |= {"far_rows": tile._replace(streamed=True), "rows_far": memory, "columns_memory": memory}
        found["wide_row"] = of.second_level // 32
    if wanted := os.environ.get(VARIABLE):
        try:
            schedule = Schedule.parse(wanted)
        except ValueError as error:
            raise ValueError(f"{VARIABLE}: {error}") from None
        found["given"] = True
        found |= {name: schedule for name, value in found.items() if isinstance(value, Schedule)}
    return {name: value._asdict() if isinstance(value, Schedule) else value for name, value in found.items()}


def candidates(columns: bool) -> list[Schedule]:
    """Return the schedules that are worth trying, along columns or rows."""
    both = (False, True)
    if columns:
        return [
            *(Schedule(tile, streamed) for tile in (KB, MB, 4 * MB) for streamed in both),
            *(Schedule(KB, streamed, prefetch=256) for streamed in both),
            *(Schedule(tile, streamed, by_features=True) for tile in (KB, 4 * MB) for streamed in both),
            *(Schedule(tile, streamed=True, by_features=True) for tile in (16 * MB, WHOLE)),
        ]
    return [
        *(Schedule(tile, streamed) for tile in (16 * KB, 26 * KB, 64 * KB, 256 * KB) for streamed in both),
        *(Schedule(16 * KB, overlapped=True, prefetch=ahead) for ahead in (0, KB, 4 * KB)),
        *(Schedule(tile, prefetch=2 * KB) for tile in (26 * KB, 64 * KB)),
    ]
