"""Every program of the gallery runs, and finds what it says."""

from pathlib import Path

import pytest
from fresh import PYTHON, run

GALLERY = sorted(Path(__file__).parent.with_name("docs").joinpath("gallery").glob("*.py"))


def test_there_is_a_gallery():
    assert len(GALLERY) >= 5


@pytest.mark.parametrize("program", GALLERY, ids=lambda path: path.stem)
def test_runs(program, tmp_path):
    pytest.importorskip("sklearn")
    done = run(*PYTHON, "-W", "error", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
