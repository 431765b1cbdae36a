"""Folders of caches from which code is run: this user's alone."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def closed(folder: Path) -> None:
    """Make a folder, and those above it, that nobody else can look into or write to; one that is there becomes so.

    Raises
    ------
    PermissionError
        It is another user's, who could put code there.
    """
    for one in (*reversed(folder.parents), folder):  # Path.mkdir has the mode for the last alone
        if not one.exists():
            one.mkdir(mode=0o700, exist_ok=True)
    if os.name == "posix":
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "the folder is another user's", str(folder))
        folder.chmod(0o700)
