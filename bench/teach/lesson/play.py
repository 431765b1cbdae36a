"""Pictures to play with: what the page's script needs of each, as JSON.

Beside a picture's numbers the page has a template of its controls (play.html.j2) and a script (growth.js, traffic.js)
of the picture's name.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from . import cache
from .pictures import Growth, Traffic
from .svg import COLOURS


@singledispatch
def data(picture: Any) -> dict[str, Any]:
    """Return the numbers of a picture to play with."""
    raise TypeError(f"nobody plays with a {type(picture).__name__}")


@data.register(Growth)
def _growth(picture: Growth) -> dict[str, Any]:
    return {
        "samples": list(picture.samples),
        "features": list(picture.features),
        "rungs": [
            {"name": name, "colour": colour, "seconds": rows}
            for (name, rows), colour in zip(picture.seconds.items(), COLOURS[1:], strict=False)
        ],
        "read": {"rates": picture.read, "colour": COLOURS[0]},
        "caches": list(picture.caches.items()),
    }


@data.register(Traffic)
def _traffic(picture: Traffic) -> dict[str, Any]:
    """Every case is simulated here: the script plays what the cache did, line by line."""
    return {
        "samples": picture.samples,
        "features": picture.features,
        "line": cache.LINE,
        "tiles": list(picture.tiles),
        "caches": list(picture.caches),
        "tile": picture.tile,
        "held": picture.held,
        "measured": picture.measured,
        "bytes": picture.bytes,
        "runs": {
            order: {
                tile: {
                    "touched": (used := picture.touched(order, tile)),
                    "left": {held: cache.made_room(used, held) for held in picture.caches},
                }
                for tile in (*picture.tiles, picture.samples)
            }
            for order in cache.ORDERS
        },
    }
