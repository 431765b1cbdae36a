"""Wisdom that is broken is ignored with one warning, and left as it is."""

import errno
import json
import os
import re
import sys
import warnings
from pathlib import Path

import pytest
from bits import as_bytes
from filelock import FileLock
from looptax.kernels import fastest, plan
from looptax.kernels.choose import wisdom
from remembered import HOW, X, b, document, link_to_nothing, w, y

pytestmark = pytest.mark.usefixtures("two_threads")


def untouched(path):
    """What tells whether a path has been written."""
    if not os.path.lexists(path):
        return None
    found = path.lstat()
    return *found[:7], found.st_mtime_ns  # not when it was read


NOW = f'{{"format": {wisdom.FORMAT}'
ROW = NOW + ', "entries": {"m": {"1x1 float64 rows": {"tile=9": {"1": SECONDS}}}}}'


BROKEN = {
    "empty": "",
    "cut off": NOW + ', "entr',
    "not text": b"\xff\xfe\x00",
    "a list": "[1, 2]",
    "a number": "3",
    "a word": '"wisdom"',
    "nothing": "null",
    "no format": '{"entries": {}}',
    "a later format": f'{{"format": {wisdom.FORMAT + 1}, "entries": {{}}}}',
    "no entries": NOW + "}",
    "entries in a list": NOW + ', "entries": []}',
    "a machine's in a list": NOW + ', "entries": {"m": [1]}}',
    "a problem's in a number": NOW + ', "entries": {"m": {"1x1 float64 rows": 4}}}',
    "another problem": NOW + ', "entries": {"m": {"X": {"tile=9": {"1": 1.0}}}}}',
    "no times": NOW + ', "entries": {"m": {"1x1 float64 rows": {}}}}',
    "another schedule": NOW + ', "entries": {"m": {"1x1 float64 rows": {"fast": {"1": 1.0}}}}}',
    "no seconds": NOW + ', "entries": {"m": {"1x1 float64 rows": {"tile=9": {}}}}}',
    "no threads": NOW + ', "entries": {"m": {"1x1 float64 rows": {"tile=9": {"0": 1.0}}}}}',
    **{
        f"threads as {count!a:.9}": ROW.replace('"1"', json.dumps(count)).replace("SECONDS", "1.0")
        for count in (
            "two",
            " 1 ",
            "1\n",
            "0_1",
            "1_0",
            "01",
            "+1",
            "-1",
            "1.0",
            "\u0661",
            "\uff11",
            "9" * 400,
            "9" * 9999,
        )
    },
    "a problem in other digits": NOW + ', "entries": {"m": {"\u0661x1 float64 rows": {"tile=9": {"1": 1.0}}}}}',
    "a problem with a zero in front": NOW + ', "entries": {"m": {"01x1 float64 rows": {"tile=9": {"1": 1.0}}}}}',
    **{
        f"{seconds[:9]} seconds": ROW.replace("SECONDS", seconds)
        for seconds in ("NaN", "Infinity", "1e999", "-1.0", "0.0", '"fast"', "null", "[1.0]", "9" * 400)
    },
    "lists in lists without end": "[" * 100_000,
}


def no_file(path):
    path.mkdir()


def link_to_itself(path):
    path.symlink_to(path)


def link_to_a_file(path):
    path.with_name("other").write_text("somebody else's")
    path.symlink_to(path.with_name("other"))


def pipe(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(path)


def too_large(path):
    path.touch()
    os.truncate(path, wisdom.LARGEST + 1)


def only_warning(path):
    """Plan with the file as it is; return the only warning's text once the plans are seen to work."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = [plan(X, y, effort=effort) for effort in ("estimate", "measure", "estimate", "measure")]
    for each in made:
        assert as_bytes(each.step(w, b)) == as_bytes(fastest(X, y, w, b))
    assert (
        made[1].explain()
        == made[3].explain()
        == "2 threads and tile=65536, measured to be as fast as any (1: 3 us, 2: 2 us)"
    )
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert warning.filename == __file__
    assert str(warning.message).startswith(f"wisdom is ignored: {path}: ")
    return str(warning.message)


class TestFaults:
    @pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
    def test_a_broken_file_is_ignored_and_left_as_it_is(self, file, content):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = untouched(file)
        only_warning(file)
        assert untouched(file) == before

    @pytest.mark.parametrize(
        ("make", "problem"),
        [
            (no_file, "not a regular file"),
            (link_to_nothing, "not a regular file"),
            (link_to_itself, "not a regular file"),
            (pipe, "not a regular file"),
            (too_large, f"larger than {wisdom.LARGEST:,} bytes"),
        ],
    )
    def test_what_is_no_file_or_too_large_is_ignored_and_left_as_it_is(self, file, make, problem):
        make(file)
        before = untouched(file)
        assert only_warning(file).endswith(problem)
        assert untouched(file) == before

    def test_a_file_that_cannot_be_read_is_ignored(self, file, monkeypatch):
        def refuse(*args):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        file.write_text(json.dumps(document({"1": 1.0})))
        monkeypatch.setattr(Path, "read_text", refuse)
        assert only_warning(file).endswith("Permission denied")

    @pytest.mark.parametrize("name", ["replace", "mkdir", "open"])
    def test_a_full_disk_is_told(self, cache_folder, monkeypatch, name):

        def full(*args, **kwargs):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, name, full)
        file = cache_folder / "wisdom.json"
        assert only_warning(file).endswith("No space left on device")
        assert not file.exists()

    @pytest.mark.parametrize(("module", "name"), [(json, "dumps"), (os, "replace")])
    def test_a_write_that_fails_leaves_what_was_there(self, file, monkeypatch, module, name):
        wisdom.store(X[:5], {HOW: {1: 1.0}})
        before = file.read_text()

        def full(*args, **kwargs):
            assert len(list(file.parent.glob(".*"))) == 1  # in the middle of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(module, name, full)
        assert only_warning(file).endswith("No space left on device")
        assert file.read_text() == before
        assert sorted(path.name for path in file.parent.iterdir()) == ["wisdom.json", "wisdom.json.lock"]

    @pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
    @pytest.mark.parametrize("make", [pipe, link_to_a_file])
    def test_what_others_put_beside_it_is_left_alone(self, file, make):
        """The file it is written to first has a new name each time."""
        beside = file.with_suffix(".part")
        make(beside)
        reader = os.open(beside, os.O_RDONLY | os.O_NONBLOCK)  # so that who writes to a pipe does not wait
        before = untouched(beside), beside.is_file() and beside.read_text()
        plan(X, y, effort="measure")
        os.close(reader)
        assert "remembered" in plan(X, y).explain()
        assert before == (untouched(beside), beside.is_file() and beside.read_text())
        assert file.is_file()
        assert not file.is_symlink()

    @pytest.mark.skipif(sys.platform == "win32", reason="needs links")
    @pytest.mark.parametrize("name", [f".wisdom.json.{'00' * 8}.part", "wisdom.json.lock"])
    def test_no_link_is_followed(self, file, monkeypatch, name):
        """Even where the name is guessed, and where it is known."""
        monkeypatch.setattr(os, "urandom", bytes)  # zeros
        link_to_a_file(file.with_name(name))
        assert re.search("File exists|symbolic links", only_warning(file))
        assert file.with_name(name).is_symlink()
        assert file.with_name("other").read_text() == "somebody else's"
        assert not file.exists()

    def test_a_folder_below_a_file(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(wisdom.VARIABLE, str(tmp_path / "file" / "folder"))
        only_warning(tmp_path / "file" / "folder" / "wisdom.json")

    def test_a_lock_that_others_keep(self, file, monkeypatch):
        monkeypatch.setattr(wisdom, "PATIENCE", 0.01)
        with FileLock(f"{file}.lock"):
            assert "could not be acquired" in only_warning(file)

    @pytest.mark.skipif(sys.platform != "linux", reason="home folders are found in another way here")
    def test_no_home_folder(self, tmp_path, monkeypatch):
        import pwd

        def nobody(number):
            raise KeyError(number)

        for name in (wisdom.VARIABLE, "HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(pwd, "getpwuid", nobody)
        monkeypatch.chdir(tmp_path)
        only_warning("no home folder, and LOOPTAX_CACHE names no other")
        assert not list(tmp_path.iterdir())
