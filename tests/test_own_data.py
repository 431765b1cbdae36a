"""``looptax run --data FILE``: what a file is read as, held against pandas and scikit-learn; and what is refused."""

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from looptax.bench import options
from looptax.bench.measure import data, files, turn
from looptax.bench.show import compare, result, storage
from looptax.bench.show.report.facts import facts
from terminal import command

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

FRAME = pd.DataFrame(
    {
        "age": [31, 45, 28, 60, 33, 51],
        "city": ["Bern", "Oslo", "Bern", "Rome", "Rome", "Oslo"],
        "income": [1.5, 2.25, -3.0, 0.5, 1e6, 1e-3],
        "member": [True, False, False, True, True, False],
        "left": ["yes", "no", "no", "yes", "no", "no"],
    }
)
WRITERS = {
    ".csv": partial(pd.DataFrame.to_csv, index=False),
    ".csv.gz": partial(pd.DataFrame.to_csv, index=False),
    ".csv.zip": partial(pd.DataFrame.to_csv, index=False),
    ".tsv": partial(pd.DataFrame.to_csv, index=False, sep="\t"),
    ".parquet": pd.DataFrame.to_parquet,
    ".feather": pd.DataFrame.to_feather,
    ".arrow": pd.DataFrame.to_feather,
}


@pytest.fixture(autouse=True)
def nothing_read():
    """No file was read before."""
    data.OWN.clear()
    turn.forget()


@pytest.fixture
def csv(tmp_path):
    """Write a table as CSV, or text as it is."""

    def write(table, name="mine.csv"):
        path = tmp_path / name
        path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
        return path

    return write


def written(tmp_path, table, ending=".csv"):
    path = tmp_path / f"mine{ending}"
    WRITERS[ending](table, path)
    return path


def expected(standardise):
    """What scikit-learn makes of the table."""
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    coded = make_column_transformer(
        ("passthrough", ["age", "income", "member"]), (OneHotEncoder(sparse_output=False), ["city"])
    )
    steps = [coded, StandardScaler()] if standardise else [coded]
    return make_pipeline(*steps).fit_transform(FRAME).astype(float)


class TestFormats:
    @pytest.mark.parametrize("standardise", [False, True])
    @pytest.mark.parametrize("ending", WRITERS)
    def test_a_table_is_what_scikit_learn_makes_of_it(self, ending, standardise, tmp_path):
        path = written(tmp_path, FRAME, ending)
        X, y, told = files.read(path, "mine", "left", standardise=standardise)
        np.testing.assert_allclose(X, expected(standardise), rtol=1e-12, atol=1e-12)
        assert X.dtype == np.float64
        np.testing.assert_array_equal(y, FRAME["left"] == "yes")
        assert (told.one, told.zero, told.label, told.file) == ("yes", "no", "left", path.name)
        assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

    def test_a_stream_of_arrow(self, tmp_path):
        import pyarrow
        from pyarrow import ipc

        table = pyarrow.Table.from_pandas(FRAME)
        with ipc.new_stream(str(tmp_path / "s.arrow"), table.schema) as stream:
            stream.write_table(table)
        np.testing.assert_allclose(files.read(tmp_path / "s.arrow", "s", "left").X, expected(False))

    def test_columns_of_other_types(self, tmp_path):
        """Nullable numbers, decimals, and categories of which some never occur."""
        from decimal import Decimal

        table = pd.DataFrame(
            {
                "whole": pd.array([1, 2, 3], "Int32"),
                "money": [Decimal("1.25"), Decimal("2.5"), Decimal("0")],
                "kind": pd.Categorical(["b", "a", "b"], categories=["a", "b", "never"]),
                "y": pd.array([True, False, True], "boolean"),
            }
        )
        X, y, told = files.read(written(tmp_path, table, ".parquet"), "t", "y")
        np.testing.assert_array_equal(X, [[1, 1.25, 0, 1], [2, 2.5, 1, 0], [3, 0, 0, 1]])
        np.testing.assert_array_equal(y, [True, False, True])
        assert (told.one, told.zero) == ("True", "False")

    @pytest.mark.parametrize(
        ("y", "one", "zero"),
        [([0, 1, 1], "1", "0"), ([-1, 1, -1], "1", "-1"), ([2.5, 1, 1], "2.5", "1"), (["B", "M", "B"], "M", "B")],
    )
    def test_arrays(self, y, one, zero, tmp_path):
        X = np.arange(6).reshape(3, 2)
        np.savez(tmp_path / "a.npz", X=X, y=y)
        found = files.read(tmp_path / "a.npz", "a")
        np.testing.assert_array_equal(found.X, X)
        np.testing.assert_array_equal(found.y, np.array(y) == np.unique(y)[1])
        assert (found.told.one, found.told.zero, found.told.label) == (one, zero, None)

    @pytest.mark.parametrize("ending", [".svm", ".libsvm", ".svmlight.gz", ".svm.bz2"])
    def test_svmlight(self, ending, tmp_path):
        import bz2
        import gzip
        from io import BytesIO

        from sklearn.datasets import dump_svmlight_file

        X = np.array([[0, 1.5, 0], [2, 0, 0], [0, 0, -3]])
        text = BytesIO()
        dump_svmlight_file(X, [1, -1, 1], text)
        pack = {"gz": gzip.compress, "bz2": bz2.compress}.get(ending.rpartition(".")[2], bytes)
        (tmp_path / f"s{ending}").write_bytes(pack(text.getvalue()))
        found = files.read(tmp_path / f"s{ending}", "s")
        np.testing.assert_array_equal(found.X, X)
        np.testing.assert_array_equal(found.y, [True, False, True])

    def test_arff_of_scipys_own_tests(self, tmp_path):
        """Fisher's iris, which SciPy ships: of its three classes two are kept."""
        import scipy.io.arff
        from sklearn.datasets import load_iris

        iris = Path(scipy.io.arff.__file__).parent / "tests/data/iris.arff"
        if not iris.is_file():
            pytest.skip("SciPy is installed without its tests")
        with pytest.raises(files.FileError, match="has 3 values in the label, Iris-setosa, Iris-versicolor, Iris-virg"):
            files.read(iris, "iris", "class")
        lines = iris.read_text().splitlines(keepends=True)
        (tmp_path / "two.arff").write_text("".join(line for line in lines if not line.endswith("Iris-setosa\n")))
        found = files.read(tmp_path / "two.arff", "two", "class")
        there = load_iris()
        assert (found.told.one, found.told.zero) == ("Iris-virginica", "Iris-versicolor")
        np.testing.assert_allclose(found.X.sum(axis=0), there.data[there.target > 0].sum(axis=0), rtol=0.01)

    def test_scikit_learns_breast_cancer_as_a_file(self, tmp_path):
        """The same numbers as the named set."""
        from sklearn.datasets import load_breast_cancer

        path = written(tmp_path, load_breast_cancer(as_frame=True).frame)
        X, y, _ = files.read(path, "cancer", "target", standardise=True)
        np.testing.assert_allclose(X, data.breast_cancer()[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(y, data.breast_cancer()[1])


class TestRefused:
    """Each says what is wrong, where, and what is expected; exit code 2."""

    def refused(self, *arguments):
        done = command("run", *arguments, columns=300)
        assert done.exit_code == 2, done.output
        return done.output

    @pytest.mark.parametrize(
        ("table", "more", "message"),
        [
            (FRAME, [], "needs --label, the column that holds the labels; it has age, city, income, member, left"),
            (FRAME, ["--label", "gone"], "has no column 'gone'; it has age, city, income, member, left"),
            (FRAME, ["--label", "city"], "has 3 values in the label, Bern, Oslo, Rome; expected 2"),
            (FRAME.assign(left="no"), ["--label", "left"], "has 1 value in the label, no; expected 2"),
            (FRAME.head(0), ["--label", "left"], "has 0 rows"),
            ("", ["--label", "left"], "cannot be read: EmptyDataError: No columns to parse from file"),
            (FRAME[["left"]], ["--label", "left"], "expected a row, and one column more at least"),
            (FRAME.assign(age=[1, None, 2, None, 3, 4], city=[None, *"abcde"]), ["--label", "left"],
             "has missing values: age 2, city 1; leave out"),
            (FRAME.assign(left=["yes", "no", None, "no", "no", None]), ["--label", "left"], "missing values: left 2"),
            ("a,b,y\n1,?,0\n2,3,1\n", ["--label", "y"], "has missing values: b 1"),
            (FRAME.assign(age=[1, np.inf, -np.inf, 2, 3, 4]), ["--label", "left"],
             "has numbers that are infinite, or larger than 1e+30: age 2"),
            (FRAME[["age", "left"]].assign(age=0), ["--label", "left"], "has no number but 0 in X"),
            (FRAME.assign(one=1, two=0.1), ["--label", "left", "--standardise"],
             "has constant columns, which have no variance to bring to 1: one, two; leave them out"),
            ("a,y\n1,0\n2,1,3\n", ["--label", "y"], "cannot be read: "),
            ("150,4,y\n1,2,3,0\n2,3,4,1\n", ["--label", "y"], "cannot be read: ParserWarning: Length of header"),
        ],
    )  # fmt: skip
    def test_tables(self, table, more, message, csv):
        path = csv(table)
        output = self.refused("--data", path, *more)
        assert f"Invalid value for --data: {path} " in output
        assert message in output

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"a": [1], "b": [2]}, "has the arrays a, b; expected X and y"),
            ({"X": [1, 2], "y": [0, 1]}, "has X of shape (2,) and y of shape (2,); expected (m, n) and (m,)"),
            ({"X": [[1], [2]], "y": [0, 1, 1]}, "has X of shape (2, 1) and y of shape (3,)"),
            ({"X": [["a"], ["b"]], "y": [0, 1]}, "has X of dtype <U1; expected numbers"),
            ({"X": [[1, np.nan], [2, np.nan]], "y": [0, 1]}, "has missing values: column 1 2"),
            ({"X": [[1], [2]], "y": [0, np.nan]}, "has missing values: y 1"),
            ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, "has X of shape (0, 3); expected a row and a column"),
            ({"X": [[1], [2]], "y": np.array([0, None])}, "cannot be read: ValueError: Object arrays cannot be loaded"),
        ],
    )
    def test_arrays(self, arrays, message, tmp_path):
        np.savez(tmp_path / "a.npz", **arrays)
        assert message in self.refused("--data", tmp_path / "a.npz")

    def test_dates(self, tmp_path):
        path = written(tmp_path, FRAME.assign(age=pd.Timestamp("2013-01-01")), ".parquet")
        assert "has datetime64 in the column age; expected numbers" in self.refused("--data", path, "--label", "left")

    def test_columns_of_the_same_name(self, tmp_path):
        import pyarrow
        from pyarrow import feather

        feather.write_feather(pyarrow.table([[1], [2], [0]], names=["a", "a", "y"]), str(tmp_path / "a.feather"))
        assert "several columns of the same name" in self.refused("--data", tmp_path / "a.feather", "--label", "y")

    @pytest.mark.parametrize("ending", [".csv", ".parquet", ".feather", ".npz", ".arff", ".csv.gz", ".csv.zip", ".svm"])
    def test_damaged(self, ending, tmp_path):
        path = tmp_path / f"damaged{ending}"
        path.write_bytes(b"\xffnothing of the kind")
        label = [] if ending in (".npz", ".svm") else ["--label", "y"]
        assert f"{path} cannot be read: " in self.refused("--data", path, *label)

    def test_too_large_when_dense(self, tmp_path):
        (tmp_path / "wide.svm").write_text("1 2000000000:1\n-1 1:1\n")
        output = self.refused("--data", tmp_path / "wide.svm")
        assert "has 2 numbers, and with all zeros 2 × 2,000,000,000 numbers, which need 96 GB of memory" in output

    def test_too_many_categories(self, csv, monkeypatch):
        table = pd.DataFrame({"who": [f"n{k}" for k in range(99)], "y": [0, 1, 1] * 33})
        memory = type("memory", (), {"available": 100_000})
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        output = self.refused("--data", csv(table), "--label", "y")
        assert "as many columns as its text has values (who 99): 99 × 99 numbers" in output

    def test_files(self, csv, tmp_path):
        mine = csv(FRAME)
        (tmp_path / "there").mkdir()
        other = csv(FRAME, "there/mine.csv")
        assert f"is not one of {', '.join(data.REAL)}, and no file" in self.refused("--data", tmp_path / "none.csv")
        assert "and no file" in self.refused("--data", tmp_path, "--label", "left")
        assert "and no file" in self.refused(
            "--data", ",".join("abc" * 50 + str(k) for k in range(3)), "--label", "left"
        )
        (tmp_path / "mine.xlsx").touch()
        output = self.refused("--data", tmp_path / "mine.xlsx")
        assert "mine.xlsx has none of the endings .csv, .tsv, .parquet, .feather, .arrow, .arff, .npz, .svm" in output
        assert "two files have the same name" in self.refused("--data", f"{mine},{other}", "--label", "left")

    def test_options_that_go_with_a_file(self, tmp_path):
        np.savez(tmp_path / "a.npz", X=[[1], [2]], y=[0, 1])
        for more in (["--label", "y"], ["--label", "y", "--data", "flights"]):
            assert "Invalid value for --label" in self.refused(*more)
        assert "--label: no file is given that" in self.refused("--data", tmp_path / "a.npz", "--label", "y")
        assert "--standardise: it goes with" in self.refused("--standardise")
        assert "--standardise: it goes with a file" in self.refused("--standardise", "--data", "breast-cancer")
        for preset in ("estimators", "cluster"):
            assert "--label: it has no meaning for" in self.refused("--preset", preset, "--label", "y")

    @pytest.mark.parametrize(
        ("package", "name"), [("pandas", "a.csv"), ("pyarrow", "a.parquet"), ("scikit-learn", "a.svm")]
    )
    def test_what_is_not_installed(self, package, name, tmp_path, monkeypatch):
        monkeypatch.setattr(options, "_installed", lambda one: one != package)
        (tmp_path / name).touch()
        output = self.refused("--data", tmp_path / name, *([] if name.endswith("svm") else ["--label", "y"]))
        assert f"it needs {package}, not installed here: pip install 'looptax[data]'" in output


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("mine.csv", "mine"),
        ("my data (2).csv", "my_data__2_"),
        ("Größe.csv", "Größe"),
        ("flights.csv.gz", "file-flights"),
        ("100x2.csv", "file-100x2"),
        ("sparse-words.csv", "file-sparse-words"),
        (f"{'long' * 50}.csv", "long" * 20),
    ],
)
def test_a_source_is_called_by_its_stem(name, source, tmp_path):
    FRAME.to_csv(tmp_path / name, index=False)
    assert data.add(tmp_path / name, "left") == source
    assert data.variant(source) == data.STEP
    assert data.samples_and_features(source) == (6, 6)
    assert data.load(source, "float32", "F").X.flags.f_contiguous


def test_a_run_tells_what_it_was_measured_on(tmp_path):
    mine, other = written(tmp_path, FRAME), tmp_path / "other, too.npz"
    np.savez(other, X=FRAME[["age", "income"]], y=[0, 1, 1, 0, 1, 0])
    small = ["--rungs", "numpy-stable", "--orders", "C", "--threads", "1", "--sweeps", "1", "--label", "left"]
    done = command("run", "--data", mine, *small, "--json", tmp_path / "a.json", columns=200)
    assert done.exit_code == 0, done.output
    assert "mine: mine.csv, left = yes is 1, left = no is 0\n" in done.output
    assert "mine, 6 × 6, float64, C order, 1 thread" in done.output
    document = storage.read(tmp_path / "a.json")
    assert [one.seconds is not None for one in document.looptax.cells] == [True]
    assert document.looptax.data[0].sha256 == hashlib.sha256(mine.read_bytes()).hexdigest()
    assert dict(facts(document))["Brought"] == "mine: mine.csv, left = yes is 1, left = no is 0"

    FRAME.assign(age=3.0).to_csv(mine, index=False)  # the same shape: only the digest tells
    done = command("run", "--data", f"{mine},breast-cancer", *small, "--json", tmp_path / "b.json", columns=200)
    assert done.exit_code == 0, done.output
    again = storage.read(tmp_path / "b.json")
    assert [one.cell.source for one in again.looptax.cells] == ["mine", "breast-cancer"]
    assert "mine is not the same in A and B: the files differ" in compare.remarks(document, again)
    document.looptax.guests.append(result.Guest("mine", "mine.py", "step", "0" * 64))
    assert not any("differ" in said for said in compare.remarks(document, document))  # a step may have the same name

    done = command("run", "--data", other, *small[:-2], "--standardise", "--json", tmp_path / "c.json", columns=200)
    assert done.exit_code == 0, done.output
    assert "other__too: other, too.npz, y = 1 is 1, y = 0 is 0; X is standardised" in done.output


def test_older_documents_have_no_files(tmp_path, result_document):
    document = storage.plain(result_document(("numpy-stable", 1.0)))
    del document["looptax"]["data"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert storage.read(tmp_path / "old.json").looptax.data == []
