"""A result file as a page to look at, as Markdown, and as CSV.

`datasets` and `charts` draw what `ladder` and `tables` say; `page` and `export` put them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..storage import write_text
from .export import csv_text, markdown
from .page import html

if TYPE_CHECKING:
    from pathlib import Path

    from ..result import Document

FORMATS = {".html": html, ".md": markdown, ".csv": csv_text}


def write(document: Document, path: Path) -> None:
    """Write the report of a document, whole or not at all.

    Parameters
    ----------
    document : Document
    path : pathlib.Path
        Its suffix, one of `FORMATS`, says which form.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    write_text(FORMATS[path.suffix.lower()](document), path)
