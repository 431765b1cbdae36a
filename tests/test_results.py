"""Result files: read back as written, refused in one line."""

import json
import os
from pathlib import Path

import made_up
import msgspec.inspect as types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from looptax.bench.show import numbers, storage
from looptax.bench.show.result import SCHEMA, Document
from looptax.bench.show.storage import ResultError, read


@pytest.fixture
def document(result_document):
    """What a file holds."""
    return storage.plain(made(result_document))


def made(result_document):
    return result_document(("numpy-stable", [3.0, 1.0, 2.0]), ("cython-fused", [1.0, None, 2.0]))


@pytest.fixture
def write(tmp_path):
    """Write text, bytes or a document to a file."""

    def write(content):
        path = tmp_path / "r.json"
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path):
    """The message with which a file is refused."""
    with pytest.raises(ResultError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


class TestRead:
    def test_as_written(self, result_document, tmp_path):
        document = made(result_document)
        storage.write(document, tmp_path / "r.json")
        assert read(tmp_path / "r.json") == document

    def test_a_file_with_every_section(self, tmp_path):
        document = made_up.document()
        storage.write(document, tmp_path / "r.json")
        assert read(tmp_path / "r.json") == document

    def test_figures_are_medians_over_the_sweeps(self, result_document):
        first, second = made(result_document).looptax.cells
        assert (first.seconds, first.sweeps, first.again) == (2.0, [3.0, 1.0, 2.0], None)
        assert (second.seconds, second.sweeps) == (1.5, [1.0, None, 2.0])

    def test_sections_it_does_not_know_are_passed_over(self, document, write):
        before = read(write(document))
        document["looptax"]["weather"] = "rain"
        assert read(write(document)) == before


EDITS = {  # a path into the document, what is put there, and what the message must say
    "negative time": (("cells", 0, "seconds", 0), -1.0, "$.looptax.cells[0].seconds[0]"),
    "no time at all": (("cells", 0, "seconds", 0), 0.0, "$.looptax.cells[0].seconds[0]"),
    "NaN": (("cells", 0, "seconds", 0), float("nan"), "malformed"),
    "infinity": (("cells", 0, "seconds", 0), float("inf"), "malformed"),
    "text for a time": (("cells", 0, "seconds", 0), "2", "Expected `float | null`, got `str`"),
    "true for a time": (("cells", 0, "seconds", 0), True, "got `bool`"),
    "no samples": (("cells", 0, "samples"), 0, "$.looptax.cells[0].samples"),
    "half a sample": (("cells", 0, "samples"), 2.5, "Expected `int`"),
    "too many samples": (("cells", 0, "samples"), 10**30, "$.looptax.cells[0].samples"),
    "unknown dtype": (("cells", 0, "cell", "dtype"), "float16", "Invalid enum value 'float16'"),
    "unknown status": (("cells", 0, "status"), "great", "Invalid enum value 'great'"),
    "escape codes in a name": (("cells", 0, "cell", "rung"), "\x1b[31m", "$.looptax.cells[0].cell.rung"),
    "escape codes in a reason": (("cells", 0, "reason"), "\x1b[31m", "$.looptax.cells[0].reason"),
    "a field too many": (("cells", 0, "cell", "weather"), "rain", "unknown field `weather`"),
    "cells gone": (("cells",), None, "$.looptax.cells"),
    "the same cell twice": (("cells", 1, "cell", "rung"), "numpy-stable", "a cell occurs twice"),
    "newer schema": (("schema",), SCHEMA + 1, f"it has schema {SCHEMA + 1}; this version of looptax reads {SCHEMA}"),
    "older schema": (("schema",), SCHEMA - 1, f"it has schema {SCHEMA - 1}; this version of looptax reads {SCHEMA}"),
    "no schema": (("schema",), None, "it has no section looptax with a schema"),
    "schema true": (("schema",), True, "it has no section looptax with a schema"),
    "negative bandwidth": (
        ("limits",),
        {"bandwidth": [{"threads": 1, "bytes": 8, "bytes_per_second": -1}], "fma": [], "call_seconds": 1e-8},
        "$.looptax.limits.bandwidth[0].bytes_per_second",
    ),
}


class TestRefused:
    @pytest.mark.parametrize("edit", EDITS)
    def test_hand_edited(self, document, write, edit):
        path, value, message = EDITS[edit]
        place = document["looptax"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert message in refused(write(document))

    def test_truncated(self, document, write):
        text = json.dumps(document)
        for length in (0, 1, len(text) // 2, len(text) - 1):
            assert "truncated" in refused(write(text[:length]))

    @pytest.mark.parametrize(
        "content",
        ["[]", "{}", "3", "null", '{"looptax": 3}', '{"benchmarks": []}', "<html>", b"\x89PNG\r\n", b'{"a": "\xff"}'],
    )
    def test_foreign(self, write, content):
        assert "is not a result of looptax" in refused(write(content))

    def test_nested_without_end(self, write):
        refused(write("[" * 200_000))

    def test_huge(self, tmp_path):
        path = tmp_path / "huge.json"
        path.touch()
        os.truncate(path, storage.MAX_BYTES + 1)  # sparse: no byte is written
        assert "it has 200 MB, more than 200" in refused(path)

    def test_not_there(self, tmp_path):
        assert "cannot be read: No such file or directory" in refused(tmp_path / "none.json")

    def test_not_a_file(self, tmp_path):
        assert "it is not a file" in refused(tmp_path)


class TestResults:
    def test_written_whole_or_not_at_all(self, tmp_path, monkeypatch):
        path = tmp_path / "r.json"
        path.write_text("before")

        def fail(*args):
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            storage.write_text("after", path)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == ["r.json"]

    def test_replaces_what_was_there(self, tmp_path):
        path = tmp_path / "r.json"
        path.write_text("before")
        storage.write_text("after", path)
        assert path.read_text() == "after"
        assert path.stat().st_mode & 0o777 == 0o666 & ~storage._umask()

    def test_a_name_may_be_as_long_as_names_may_be(self, tmp_path):
        path = tmp_path / ("a" * 250 + ".json")
        storage.write_text("text", path)
        assert path.read_text() == "text"

    def test_a_link_stays_a_link(self, tmp_path):
        link, file = tmp_path / "link", tmp_path / "folder" / "file"
        file.parent.mkdir()
        link.symlink_to("folder/file")
        for text in ("new", "again"):
            storage.write_text(text, link)
            assert (os.readlink(link), file.read_text()) == ("folder/file", text)
        assert list(file.parent.iterdir()) == [file]

    def test_a_pipe_stays_a_pipe(self, tmp_path):
        path = tmp_path / "pipe"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        storage.write_text("text", path)
        assert os.read(reader, 10) == b"text"
        assert path.is_fifo()

    def test_an_error_names_what_was_asked_for(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device", "/tmp/.part")

        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space") as caught:
            storage.write_text("text", tmp_path / "r.json")
        assert caught.value.filename == str(tmp_path / "r.json")
        with pytest.raises(IsADirectoryError):
            storage.write_text("text", tmp_path)
        with pytest.raises(OSError, match="No space left on device"):
            storage.write_text("text", Path("/dev/full"))

    @pytest.mark.parametrize(
        ("seconds", "text"), [(2.5, "2.5 s"), (0.0123456, "12.35 ms"), (5e-6, "5 µs"), (7.25e-7, "725 ns")]
    )
    def test_durations(self, seconds, text):
        assert numbers.seconds(seconds) == text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def values(kind):
    """Return a strategy for all values of a type, as msgspec sees it."""
    return VALUES[type(kind)](kind)


def _structs(kind):
    return st.fixed_dictionaries({one.name: values(one.type) for one in kind.fields}).map(lambda it: kind.cls(**it))


def _typed_dicts(kind):
    wanted, optional = (
        {one.encode_name: values(one.type) for one in kind.fields if one.required == required}
        for required in (True, False)
    )
    return st.fixed_dictionaries(wanted, optional=optional)


def _texts(kind):
    return st.from_regex(kind.pattern).map(lambda it: it[: kind.max_length]) if kind.pattern else st.text()


VALUES = {
    types.StructType: _structs,
    types.TypedDictType: _typed_dicts,
    types.StrType: _texts,
    types.ListType: lambda kind: st.lists(values(kind.item_type), min_size=kind.min_length or 0, max_size=3),
    types.TupleType: lambda kind: st.tuples(*map(values, kind.item_types)),
    types.DictType: lambda kind: st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=3),
    types.UnionType: lambda kind: st.one_of(*map(values, kind.types)),
    types.LiteralType: lambda kind: st.sampled_from(kind.values),
    types.IntType: lambda kind: st.integers(kind.ge, kind.le),
    types.FloatType: lambda kind: st.floats(kind.ge, kind.le),
    types.BoolType: lambda kind: st.booleans(),
    types.NoneType: lambda kind: st.none(),
    types.AnyType: lambda kind: ANYTHING,
}


def document_of(document):
    """Make it one that a run may make: of this schema, and of cells that are all different."""
    section = document.looptax
    section.schema, section.cells = SCHEMA, list({figure.cell: figure for figure in section.cells}.values())
    return document


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=values(types.type_info(Document)).map(document_of))
def test_whatever_is_written_is_json_and_can_be_read(document, tmp_path):
    path = tmp_path / "r.json"
    storage.write(document, path)
    json.loads(path.read_text("utf-8"), parse_constant=no_constant)
    found = read(path)
    for name in found.looptax.__struct_fields__:
        if name != "settings":  # where anything may be, what is not finite is written as null
            assert getattr(found.looptax, name) == getattr(document.looptax, name)
    storage.write(found, path)
    assert read(path) == found
