"""What is run from a cache is this user's alone, and what is read from one is no pickle."""

import ast
import os
import re
from pathlib import Path

import numpy as np
import pytest
from looptax import bench, kernels, pyimpl
from looptax.bench.measure.duel import builds
from looptax.kernels.choose import private, wisdom
from looptax.kernels.choose.schedule import Schedule

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no such modes of folders here")
OTHER = os.geteuid() + 1 if os.name == "posix" else 0


def mode(folder):
    """Who may look into a folder and write to it."""
    return folder.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def open_to_all():
    """As where new files are open to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def another_user(monkeypatch):
    """As if what is there were another user's."""
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)


def test_a_folder_is_made_private(tmp_path):
    private.closed(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == mode(tmp_path / "a") == 0o700


def test_a_folder_that_is_there_becomes_private(tmp_path):
    (tmp_path / "a").mkdir()
    assert mode(tmp_path / "a") == 0o777
    private.closed(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o700


@pytest.mark.usefixtures("another_user")
def test_another_users_folder_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(PermissionError, match="another user's"):
        private.closed(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o777


class TestWisdom:
    def test_its_folder_is_made_private(self, cache_folder):
        wisdom.store(np.ones((3, 2)), {Schedule(9): {1: 1.0}})
        assert mode(cache_folder) == 0o700

    def test_a_folder_that_is_there_is_left_as_it_is(self, file):
        """It may be anything that LOOPTAX_CACHE names: /tmp, or a home."""
        wisdom.store(np.ones((3, 2)), {Schedule(9): {1: 1.0}})
        assert mode(file.parent) == 0o777


class TestBuilds:
    def test_their_folder_is_private(self, cache_folder):
        with builds._alone(cache_folder / "builds" / "one"):
            assert mode(cache_folder / "builds") == 0o700

    @pytest.mark.usefixtures("another_user")
    def test_none_of_another_users_is_run(self, cache_folder):
        wheel = cache_folder.with_name("looptax.whl")
        wheel.touch()
        given = builds.recognised(str(wheel))
        folder = cache_folder / "builds" / builds._key(given)
        builds._python(folder).parent.mkdir(parents=True)
        with pytest.raises(builds.BuildError, match="another user's"):
            builds.made("A", given, print)


def twice(x):
    """What Numba is to keep."""
    return x + x


class TestNumba:
    """It unpickles what it keeps."""

    @pytest.fixture
    def jit(self, monkeypatch, tmp_path):
        """How kernels call Numba, whose cache is in a folder of this test's."""
        jit = pytest.importorskip("looptax.kernels.parts.numba_jit")
        monkeypatch.setattr(jit.numba.config, "CACHE_DIR", str(tmp_path / "numba"))
        return jit

    def test_its_folder_is_private(self, jit, tmp_path):
        made = jit.compiled()(twice)
        folder = Path(made.stats.cache_path)
        assert folder.parent == tmp_path / "numba"
        assert mode(folder) == 0o700

    def test_in_another_users_nothing_is_kept(self, jit, monkeypatch):
        jit.compiled()(twice)  # makes the folder
        monkeypatch.setattr(os, "geteuid", lambda: OTHER)
        assert jit.compiled()(twice).stats.cache_path is None

    def test_the_packages_own_is_as_private_as_its_code(self, jit, monkeypatch):
        monkeypatch.setattr(jit.numba.config, "CACHE_DIR", "")
        modes = Path(__file__).parent.stat().st_mode
        made = jit.compiled()(twice)
        assert Path(made.stats.cache_path) == Path(__file__).with_name("__pycache__")
        assert Path(__file__).parent.stat().st_mode == modes

    def test_without_a_compiler_functions_stay_as_they_are(self, jit, monkeypatch):
        monkeypatch.setattr(jit.numba.config, "DISABLE_JIT", 1)
        assert jit.compiled()(twice) is twice


def names(tree):
    """Yield the dotted names in a module: imports as they are, `a.b` where it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"allow_pickle={ast.unparse(node.value)}"


#: What turns bytes into objects, and with them runs what they name.
UNPICKLES = re.compile(r"pickle\.(load|Unpickler)|(cloudpickle|dill|joblib|marshal|shelve)\b|allow_pickle=True")


def test_what_unpickles_is_seen():
    code = "import pickle, shelve; pickle.loads(b''); from pickle import loads; numpy.load(f, allow_pickle=True)"
    assert sum(bool(UNPICKLES.match(name)) for name in names(ast.parse(code))) == 4


@pytest.mark.parametrize("package", [bench, kernels, pyimpl], ids=lambda package: package.__name__)
def test_nothing_is_unpickled(package):
    """By no module of ours."""
    (folder,) = package.__path__
    files = list(Path(folder).rglob("*.py"))
    assert len(files) > 10
    for path in files:
        assert not [name for name in names(ast.parse(path.read_text("utf-8"))) if UNPICKLES.match(name)], path
