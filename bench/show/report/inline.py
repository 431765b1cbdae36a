"""Data and scripts inside a page: written so that no text in them can end an element, and known by their hashes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # what could end a script or a line of it


def inline_json(value: Any) -> str:
    """Return JSON that may stand in a script element, whatever the text in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(ESCAPES)


def script_hash(script: str) -> str:
    """Return what a content security policy calls a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
