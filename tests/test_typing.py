"""Type checkers know looptax, as it is installed; and `help` knows what is compiled."""

import inspect
import json
import pydoc
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import looptax
import pytest
from fresh import PYTHON, run
from looptax.kernels import fastest, plan
from looptax.pyimpl.parts.contract import Step
from needed import lacking

PROGRAM = Path(__file__).with_name("typed_program.py")


def test_the_program_runs(tmp_path):
    done = run(*PYTHON, PROGRAM, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_mypy(tmp_path):
    """Strict mode also tells where a line that is marked as wrong is none."""
    if not find_spec("mypy"):
        lacking("no mypy here")
    done = run(*PYTHON, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", PROGRAM, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright(tmp_path):
    """It is no Python program: to install it is left to whoever has it."""
    pyright = shutil.which("pyright") or pytest.skip("no pyright here")
    shutil.copy(PROGRAM, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"reportUnnecessaryTypeIgnoreComment": "error"}))
    done = run(pyright, "--pythonpath", sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_help_has_it_all():
    told = pydoc.plain(pydoc.render_doc(fastest))
    assert "in module looptax.kernels\n\nfastest(X: numpy.ndarray, y: numpy.ndarray, w: numpy.ndarray, " in told
    assert "b: float | numpy.floating, *, sample_weight: numpy.ndarray | None = None, l2: float = 0.0)" in told
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"    {section}\n    {'-' * len(section)}\n" in told


def test_what_is_compiled_has_the_signature_that_is_shown():
    """The names and defaults are the compiled function's own, the annotations are lent."""
    shown = inspect.signature(fastest)
    assert shown.return_annotation is Step
    assert fastest.__annotations__.keys() - {"return"} == shown.parameters.keys()
    assert [name for name, one in shown.parameters.items() if one.kind is one.KEYWORD_ONLY] == ["sample_weight", "l2"]
    assert (shown.parameters["sample_weight"].default, shown.parameters["l2"].default) == (None, 0.0)
    assert not hasattr(fastest, "__wrapped__")


@pytest.mark.parametrize("function", [fastest.which, fastest.softmax, plan])
def test_the_others_are_documented_too(function):
    assert "Parameters" in function.__doc__
    assert inspect.signature(function).return_annotation != inspect.Signature.empty


def test_importing_looptax_imports_nothing(tmp_path):
    code = (
        "import sys; before = set(sys.modules); import looptax;print(looptax.__version__, *set(sys.modules) - before)"
    )
    done = run(*PYTHON, "-c", code, cwd=tmp_path)
    assert done.stdout.split() == [looptax.__version__, "looptax"]
