"""What pages are made of: templates, and data and scripts inside them that no text in them can end."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # what could end a script or a line of it


def inline_json(value: Any) -> str:
    """Return JSON that may stand in a script element, whatever the text in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(ESCAPES)


def script_hash(script: str) -> str:
    """Return what a content security policy calls a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def environment(*packages: str) -> Environment:
    """Return where the packages' templates are found, those of the first one first; what they are given is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package) for package in packages])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def part(package: str, name: str) -> str:
    """Return the text of a file among a package's templates: a script, or a style sheet."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


@cache
def vega() -> str:
    """Return Vega-Embed, and Vega in it, as one script."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
