"""The team of threads in a C program without Python: nobody waits for a thread that has not begun, or hangs."""

import platform
import re
import shutil
import sys
from pathlib import Path

import pytest
from fresh import run
from needed import compiler

TEAM = Path(__file__).parent.with_name("kernels") / "choose" / "team.h"
STORM = Path(__file__).with_name("team_storm.c")


def built(folder, *flags, header=None):
    """Compile the storm against team.h, or an altered copy of it."""
    if header is not None:
        (folder / "team.h").write_text(header)
    program = folder / "storm"
    found = ["-iquote", folder, "-I", TEAM.parent]
    done = run(compiler(), "-O1", "-g", *flags, *found, "-pthread", "-o", program, STORM, "-lm")
    assert done.returncode == 0, done.stderr
    return program


def sanitized(program, seconds, seed):
    """Run a program that ThreadSanitizer watches; its own map of the memory wants a fixed layout."""
    fixed = [shutil.which("setarch"), platform.machine(), "-R"] if shutil.which("setarch") else []
    return run(*fixed, program, seconds, seed, TSAN_OPTIONS="halt_on_error=1 exitcode=66")


TALLY = re.compile(r"\d+ jobs, [1-9]\d* chunks by helpers, [1-9]\d* forks, \d+ signals\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX threads")
class TestStorm:
    """Random interleavings of callers, helpers, forks, signals and limits, on a C program without Python."""

    def test_is_survived(self, tmp_path):
        done = run(built(tmp_path), "2", "1")
        assert done.returncode == 0, done.stderr
        assert TALLY.fullmatch(done.stdout), done.stdout

    @pytest.mark.long
    @pytest.mark.parametrize("seed", ["2", "3", "4"])
    def test_is_survived_for_long(self, tmp_path, seed):
        done = run(built(tmp_path), "20", seed)
        assert done.returncode == 0, done.stderr

    @pytest.mark.long
    def test_is_clean_under_threadsanitizer(self, tmp_path):
        done = sanitized(built(tmp_path, "-fsanitize=thread"), "20", "1")
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        assert TALLY.fullmatch(done.stdout), done.stdout

    @pytest.mark.parametrize(
        ("line", "instead", "seen"),
        [
            ("    team_wait(s);\n", "", "caller has returned|a result was lost|not done exactly once"),
            ("then = stay && team_open(w) ? w - TEAM_LAST", "then = stay && team_open(w) ? w", "not done exactly once"),
            ("a helper until it is over */\n    team_send_home();", "*/", "hung or crashed|never had a helper"),
        ],
    )
    def test_finds_a_planted_fault(self, tmp_path, line, instead, seen):
        header = TEAM.read_text()
        assert header.count(line) == 1
        done = run(built(tmp_path, "-Wno-unused", header=header.replace(line, instead)), "20", "1")
        assert done.returncode != 0
        assert re.search(seen, done.stderr) or done.returncode < 0, done.stderr

    def test_hangs_nobody_where_calls_to_sleepers_are_lost(self, tmp_path):
        """As in glibc's bug 25847, but for all of them: whoever sleeps looks again by itself."""
        header, lost = re.subn(r"pthread_cond_(signal|broadcast)\(", "(void)(", TEAM.read_text())
        assert lost == 4
        done = run(built(tmp_path, header=header), "2", "1")
        assert done.returncode == 0, done.stderr

    @pytest.mark.long
    def test_threadsanitizer_finds_a_planted_race(self, tmp_path):
        header = TEAM.read_text()
        acquire = "w - TEAM_LAST + TEAM_WORKING, memory_order_acquire"
        assert header.count(acquire) == 1
        header = header.replace(acquire, acquire.replace("acquire", "relaxed"))
        done = sanitized(built(tmp_path, "-fsanitize=thread", header=header), "20", "1")
        assert done.returncode == 66
        assert "data race" in done.stderr

    def test_nobody_waits_for_a_helper_that_has_not_begun(self, tmp_path):
        """Every helper is held up between seeing a job and taking a chunk, until the caller has returned."""
        done = run(built(tmp_path), "late")
        assert done.returncode == 0, done.stderr
        assert done.stdout == "50 jobs alone, 50 helpers too late\n"
