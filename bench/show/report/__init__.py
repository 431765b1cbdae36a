"""A result file as a page to look at, as Markdown, and as CSV.

`datasets` and `charts` draw what `ladder` and `tables` say; `page` and `export` put them together.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from ..storage import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ..result import Document


def _made(module: str, function: str, document: Document) -> str:
    """Return the report as that function of that module makes it; Altair alone takes a second to import."""
    return getattr(import_module(f".{module}", __package__), function)(document)


FORMATS = {
    ".html": partial(_made, "page", "html"),
    ".md": partial(_made, "export", "markdown"),
    ".csv": partial(_made, "export", "csv_text"),
}


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
