"""A share of the soak (soak.py) finds nothing; and of planted faults, each is found."""

import json
import sys
from pathlib import Path

import pytest
from fresh import run
from soak import Sample, grown

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SOAK = sys.executable, Path(__file__).with_name("soak.py")
#: Each thread's arena of the allocator grows to its largest in its own time: in a brief run they are two.
ARENAS = {"MALLOC_ARENA_MAX": "2"}


def soaked(*arguments):
    """Soak, and return what came of it."""
    return run(*SOAK, *map(str, arguments), **ARENAS)


@pytest.mark.long
def test_half_a_minute(tmp_path):
    file = tmp_path / "soak.json"
    done = soaked("--seconds", 25, "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads(file.read_text())
    assert not kept["failures"]
    assert all(kept["done"].values()), kept["done"]


@pytest.mark.parametrize(
    ("planted", "arguments", "told"),
    [
        ("wrong", (), "is not what it was at first"),
        ("leak", (), "resident: "),
        ("hang", ("--patience", 3), "no return for 3.0 seconds or more"),
        ("gil", ("--patience", 2), "Timeout ("),
        ("child", ("--patience", 6), "forks: a child did not end within 3.0 seconds"),
    ],
)
@pytest.mark.long
def test_a_planted_fault_is_found(planted, arguments, told):
    done = soaked("--alone", "--planted", planted, "--seconds", 6, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stdout + done.stderr


FLAT = [Sample(second, 300_000_000, 200_000_000, 40, 12, 2000) for second in range(100)]
MORE = {"resident": 500_000, "allocated": 500_000, "threads": 1, "files": 1, "mappings": 10}  # a second


def test_what_stays_the_same_has_not_grown():
    assert grown(FLAT) == []


@pytest.mark.parametrize("name", MORE)
def test_what_grows_is_told(name):
    samples = [one._replace(**{name: getattr(one, name) + MORE[name] * int(one.seconds)}) for one in FLAT]
    (told,) = grown(samples)
    assert told.startswith(f"{name}: ")


@pytest.mark.parametrize("name", MORE)
def test_nor_what_grows_in_the_warm_up_alone_or_for_a_moment(name):
    samples = [
        one._replace(**{name: 10 * getattr(one, name) if one.seconds == 95 else 0 if one.seconds < 10 else 50})
        for one in FLAT
    ]
    assert grown(samples) == []
