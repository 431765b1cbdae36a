"""What is wrong with tables of Parquet and Arrow is told, with file and row; nothing is left open."""

import numpy as np
import pytest
from fresh import python
from looptax.kernels import blocks
from needed import lacking
from passes import B, W, drawn, is_usable, nothing_is_left  # noqa: F401


def parquet_of(folder, m=3000, **columns):
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        lacking(str(error))
    X, y = drawn(m)
    table = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": y} | columns
    parquet.write_table(pa.table(table), folder / "a.parquet", row_group_size=1000, write_page_checksum=True)
    return folder / "a.parquet"


def test_a_later_file_that_has_words_where_others_have_numbers(tmp_path):
    first = parquet_of(tmp_path)
    (tmp_path / "later").mkdir()
    later = parquet_of(tmp_path / "later", b=["word"] * 3000)
    with pytest.raises(TypeError, match="column 'b' is of string; expected numbers"):
        blocks.plan([first, later], label="y").step(W, B)


DAMAGED = """
import base64, re, sys
from pathlib import Path
import numpy as np
from looptax.kernels import blocks
path, schema = Path(sys.argv[1]), sys.argv[2].encode()
whole, plain = path.read_bytes(), base64.b64decode(schema)
for found in re.finditer(b"\\x08\\x00\\x00\\x00", plain):
    damaged = plain[: found.start()] + b"\\x04" + plain[found.start() + 1 :]
    path.write_bytes(whole.replace(schema, base64.b64encode(damaged)))
    try:
        blocks.plan(path, label="y").step(np.ones(3), 0.0)
    except (ValueError, TypeError, OSError) as error:
        print(error)
"""


def test_what_arrow_has_no_way_to_read_is_a_fault_of_x(tmp_path):
    """An integer of 4 bits, which a damaged byte makes of one of 8: Arrow says NotImplementedError."""
    path = parquet_of(tmp_path, y=np.ones(3000, np.int8))
    from pyarrow import parquet

    done = python(DAMAGED, str(path), parquet.read_metadata(path).metadata[b"ARROW:schema"].decode())
    assert done.returncode == 0, done.stderr
    assert "Arrow cannot read it: " in done.stdout


def test_parquet_that_is_damaged_where_pyarrow_cannot_say_so(tmp_path):
    """A column that is not nested tells levels of nesting: pyarrow ends the process where one asks for its size."""
    path = parquet_of(tmp_path)
    whole = path.read_bytes()
    damaged = whole.replace(b"\x29\x06\x19\x26", b"\x19\x06\x19\x26")
    if damaged == whole:
        pytest.skip("this pyarrow tells no levels")
    path.write_bytes(damaged)
    asked = "from looptax.kernels import blocks; import numpy as np, sys\n"
    asked += "try: blocks.plan(sys.argv[1], label='y').step(np.ones(3), 0.0)\n"
    asked += "except OSError as error: print(error)"
    done = python(asked, str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout, "the damage is told"


def test_parquet_that_is_cut_short(tmp_path):
    path = parquet_of(tmp_path)
    plan = blocks.plan(path, label="y")
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        uses = [lambda: blocks.plan(path, label="y").step(W, B)]
        if size < len(whole) - 1:  # else what the plan knows is all that is cut off
            uses.append(lambda: plan.step(W, B))
        for use in uses:
            with pytest.raises((OSError, ValueError)) as told:
                use()
            assert "a.parquet" in str(told.value) + "".join(getattr(told.value, "__notes__", []))
    path.write_bytes(whole[: len(whole) // 4] + b"\xff" * (len(whole) // 4) + whole[len(whole) // 2 :])
    with pytest.raises((OSError, ValueError)) as told:
        plan.step(W, B)
    assert "a.parquet, row" in "".join(told.value.__notes__)
    path.write_bytes(whole)
    is_usable(plan)


def test_columns_that_are_none(tmp_path):
    path = parquet_of(tmp_path, word=["x"] * 3000)
    for more, told in (
        ({}, "label is None"),
        ({"label": "z"}, "there is no column 'z'; there are: a, b, c, y, word"),
        ({"label": "y"}, "column 'word' is of string; expected numbers"),
        ({"label": "y", "features": []}, "features is empty"),
        ({"label": "y", "features": ["a", "q"]}, "there is no column 'q'"),
        ({"label": "y", "features": ["a"], "weight": "w"}, "there is no column 'w'"),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            blocks.plan(path, **more)
    with pytest.raises(ValueError, match="X is none"):
        blocks.plan(*drawn(), label="y")
    with pytest.raises(ValueError, match="do not go with this X"):
        blocks.plan(path, np.ones(3000), label="y")
    assert blocks.plan(path, label="y", features=["b", "a"]).features == 2


def test_files_that_lack_a_column_or_have_others_are_told(tmp_path):
    parquet_of(tmp_path)
    (tmp_path / "a.parquet").rename(tmp_path / "0.parquet")
    import pyarrow as pa
    from pyarrow import dataset, parquet

    table = parquet.read_table(tmp_path / "0.parquet")
    for gone in ("b", "y"):
        parquet.write_table(table.drop_columns([gone]), tmp_path / "1.parquet")
        with pytest.raises(ValueError, match=f"1.parquet has no column '{gone}', which other files have"):
            blocks.plan([tmp_path / "0.parquet", tmp_path / "1.parquet"], label="y").step(W, B)
    parquet.write_table(table.select(["y", "c", "b", "a"]), tmp_path / "1.parquet")  # in another order
    both = blocks.plan([tmp_path / "0.parquet", tmp_path / "1.parquet"], label="y", features=["a", "b", "c"])
    right = blocks.plan(tmp_path / "0.parquet", label="y").step(np.ones(3), B)
    np.testing.assert_allclose(both.step(np.ones(3), B).dw, right.dw)
    with pytest.raises(ValueError, match="'a' is asked for 2 times"):
        blocks.plan(tmp_path / "0.parquet", label="y", features=["a", "a"])
    with pytest.raises(ValueError, match="'y' is asked for 2 times"):
        blocks.plan(tmp_path / "0.parquet", label="y", features=["a", "y"])
    part = next(dataset.dataset(tmp_path / "0.parquet").get_fragments()).subset(row_group_ids=[1])
    some = dataset.FileSystemDataset([part], part.physical_schema, part.format, part.filesystem)
    assert blocks.plan(some, label="y").samples == 1000
    assert pa.Table


def test_a_null_is_found_in_its_row(tmp_path):
    values = [1.0] * 3000
    values[2345] = None
    plan = blocks.plan(parquet_of(tmp_path, b=values), label="y")
    with pytest.raises(ValueError, match=r"a.parquet, row 2,345: column 'b' is null"):
        plan.step(W, B)


def test_a_wrong_label_in_parquet_is_found_in_its_row(tmp_path):
    y = drawn()[1]
    y[2345] = 3
    with pytest.raises(ValueError, match=r"a.parquet, row 2,345: y\[2345\] is 3.0"):
        blocks.plan(parquet_of(tmp_path, y=y), label="y").step(W, B)


def test_without_pyarrow_it_says_what_to_install(tmp_path):
    code = """if True:
        import sys
        sys.modules["pyarrow"] = None
        from looptax.kernels.blocks import plan
        plan("a.parquet", label="y")
    """
    done = python(code)
    assert "ImportError: Parquet and Arrow need pyarrow: pip install 'looptax[arrow]'" in done.stderr


def test_arrow_with_larger_batches_later_or_without_a_column(tmp_path):
    try:
        import pyarrow as pa
        from pyarrow import dataset, ipc
    except ImportError as error:
        lacking(str(error))
    X, y = drawn(60_000)
    table = pa.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": y})

    def written(name, *parts):
        with ipc.new_file(tmp_path / name, parts[0].schema) as file:
            for part in parts:
                file.write_table(part, max_chunksize=len(part))
        return tmp_path / name

    def planned(*paths):
        return blocks.plan(dataset.dataset([*map(str, paths)], format="ipc"), label="y", memory="20 MB")

    is_usable(planned(written("a", table)), 60_000)
    with pytest.raises(ValueError, match="b has larger batches than each file began with"):
        planned(written("b", table[:10], pa.concat_tables([table] * 6).combine_chunks())).step(W, B)
    with pytest.raises(ValueError, match="c has no column 'b', which other files have"):
        planned(tmp_path / "a", written("c", table.drop_columns(["b"])))
    with pytest.raises(ValueError, match=r"memory is 1,000,000 bytes; expected .* for reading"):
        blocks.plan(dataset.dataset(tmp_path / "a", format="ipc"), label="y", memory="1 MB")


def test_an_index_of_pandas_is_no_feature(tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = drawn()
    table = pandas.DataFrame(X.astype(np.float32), columns=list("abc")).assign(y=y)
    table[table.a > 0].to_parquet(tmp_path / "some.parquet")
    plan = blocks.plan(tmp_path / "some.parquet", label="y")
    assert (plan.features, plan.dtype) == (3, np.float32)
    table.set_index("c").to_parquet(tmp_path / "named.parquet")
    assert blocks.plan(tmp_path / "named.parquet", label="y").features == 2
    assert blocks.plan(tmp_path / "named.parquet", label="y", features=["a", "c"]).features == 2
