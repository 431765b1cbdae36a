"""The one test that every cell of the matrix is; `looptax run` and ``pytest bench`` both run it."""

import pytest


def test_step(measured):
    """A cell ends with a number, or is skipped with the reason why it has none; a wrong result or an error fails."""
    if measured.status == "failed":
        pytest.fail(measured.reason, pytrace=False)
    if measured.status != "measured":
        pytest.skip(f"{measured.status}: {measured.reason}")
