"""A result file as a page to look at, as Markdown, and as CSV.

`ladders` derives speed-ups, intervals and limits; `tables` and `datasets` say and draw them; `page` and
`export` put them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import results
from .export import csv_text, markdown
from .page import html

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {".html": html, ".md": markdown, ".csv": csv_text}


def write(document: dict[str, Any], path: Path) -> None:
    """Write the report of a document, whole or not at all.

    Parameters
    ----------
    document : dict
        As `results.read` returns it.
    path : pathlib.Path
        Its suffix, one of `FORMATS`, says which form.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    results.write_text(FORMATS[path.suffix.lower()](document), path)
