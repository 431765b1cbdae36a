"""Random calls (fuzz.py) return what they should; and of planted faults, each is found and told by its number."""

import json
import re
import sys
from pathlib import Path

import pytest
from fresh import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")

FUZZ = sys.executable, Path(__file__).with_name("fuzz.py")


def fuzzed(*arguments):
    """Run the fuzzer, and return what came of it."""
    return run(*FUZZ, *map(str, arguments))


def calls(done):
    """Return how many calls it made."""
    return int(re.search(r"([\d,]+) calls", done.stdout)[1].replace(",", ""))


def test_random_calls_are_right():
    done = fuzzed("--seed", 7, "--calls", 4000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert calls(done) >= 4000


@pytest.mark.long
def test_random_calls_of_two_minutes_are_right():
    done = fuzzed("--seed", 8, "--seconds", 120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_goes_on_where_it_stopped(tmp_path):
    file = tmp_path / "state.json"
    reached = []
    for _ in range(2):
        done = fuzzed("--seed", 7, "--calls", 500, "--resume", file)
        assert done.returncode == 0, done.stdout + done.stderr
        reached.append(json.loads(file.read_text()))
    assert reached[1]["next"] > reached[0]["next"] > 1
    assert reached[1]["calls"] == calls(done) >= 1000


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("wrong", r"case (\d+): planted: number \d+ is .* expected .* within"),
        ("crash", r"case (37): SIGSEGV in seed 7, case 37: planted\n"),
        ("hang", r"case (37): no return for 5.0 seconds in seed 7, case 37: planted\n"),
    ],
    ids=["wrong", "crash", "hang"],
)
def test_a_planted_fault_is_found_and_told_by_its_number(planted, told):
    more = "--planted", planted, "--patience", 5
    done = fuzzed("--seed", 7, "--from", 30, "--calls", 250, *more)
    assert done.returncode == 1
    found = re.search(told, done.stdout)
    assert found, done.stdout + done.stderr
    if planted == "wrong":
        again = fuzzed("--seed", 7, "--from", found[1], "--calls", 1, *more)
        assert found[0] in again.stdout, "its number finds it again"
