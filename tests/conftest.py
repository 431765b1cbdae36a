"""Shared by all tests: the rungs, each with every build this CPU can run, and the worst errors found."""

import os
import threading
from collections import defaultdict
from contextlib import contextmanager
from importlib import import_module
from unittest.mock import patch

import made_up
import numpy as np
import pytest
from browser import chromium
from clock import Clock
from fresh import forking
from hurried import small
from looptax.bench.measure import stopwatch
from looptax.bench.show.result import Document
from looptax.bench.teach.lesson import chapters
from looptax.bench.teach.lesson.words import LANGUAGES
from looptax.kernels.choose import isa, planner, plans, team, thread_limits, wisdom
from looptax.kernels.ladder import LADDER, UnavailableError
from needed import lacking
from remembered import HOW, TIMES

WORST = defaultdict(dict)  # (rung, dtype) → family → (share of the bound, case)


def lesser(*marks):
    """The builds of rungs for lesser instruction sets than the one they load."""
    for rung in LADDER:
        if rung.family == "cython":
            for level, module in list(isa.available(rung.module).items())[1:]:
                yield pytest.param((rung, module), id=f"{rung.name}@{level}", marks=marks)


def load(rung, module=None):
    """Return the rung's step; where it is missing, skip at home and fail in CI."""
    try:
        return import_module(f"looptax.kernels.{module}").step if module else rung.load()
    except UnavailableError as error:
        return lacking(str(error))


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_user(tmp_path_factory):
    """What is measured once for all tests keeps its wisdom elsewhere too."""
    with patch.dict(os.environ, {wisdom.VARIABLE: str(tmp_path_factory.mktemp("cache"))}):
        yield


@pytest.fixture(scope="module", autouse=True)
def environment():
    """As it was, after each file: what starts Dask's workers leaves OMP_NUM_THREADS=1 there."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """Where this test keeps its wisdom: never the user's own cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(wisdom.VARIABLE, str(folder))
    return folder


@pytest.fixture
def file(cache_folder):
    """The file of this test's wisdom, whose folder is there."""
    cache_folder.mkdir()
    return cache_folder / "wisdom.json"


@pytest.fixture
def two_threads(monkeypatch):
    """As on a machine with two CPUs where all is worth sharing; nothing was wrong so far; measuring takes no time."""
    monkeypatch.setattr(team, "available", lambda: 2)
    monkeypatch.setattr(plans, "shared", lambda X: team.available())
    monkeypatch.setattr(wisdom, "_unsaid", threading.Lock())
    monkeypatch.setattr(planner, "race", lambda plans: {HOW: TIMES[next(iter(plans.values()))._at_most]})


@contextmanager
def _cpus(number):
    """As on a machine with so many and without limits: each but one has a helper, however few CPUs they have."""
    team.set_quota(0)
    team.start_limit(0)
    team.pretend(number)
    try:
        yield
    finally:
        team.pretend(0)
        thread_limits.follow_the_environment()


@pytest.fixture
def eight_cpus():
    """As on a machine with eight CPUs."""
    with _cpus(8):
        yield


@pytest.fixture
def four_cpus():
    """As on a machine with four CPUs, where no other test has left helpers."""
    if hasattr(os, "fork"):  # a fork sends home what helpers there are
        with forking():
            child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        assert team.helpers() == 0
    with _cpus(4):
        yield


def _candidate(rung, module):
    name = f"{rung.name} ({module.rpartition('__')[2]})" if module else rung.name
    return rung, load(rung, module), name


@pytest.fixture(params=[*(pytest.param((rung, None), id=rung.name) for rung in LADDER), *lesser(pytest.mark.long)])
def candidate(request):
    """A rung, its step, and the name to report it by."""
    return _candidate(*request.param)


@pytest.fixture(params=lesser())
def lesser_candidate(request):
    """The same of a build for a lesser instruction set."""
    return _candidate(*request.param)


@pytest.fixture(params=LADDER, ids=lambda rung: rung.name)
def rung(request):
    """A rung."""
    return request.param


@pytest.fixture
def step(rung):
    """Its step."""
    return load(rung)


@pytest.fixture(scope="session")
def found():
    """What every chapter of the lesson found, in a quick run."""
    with small():
        return {name: chapters.measure(name, True) for name in chapters.CHAPTERS}


@pytest.fixture(params=chapters.CHAPTERS)
def name(request):
    """The name of a chapter of the lesson."""
    return request.param


@pytest.fixture(params=LANGUAGES)
def language(request):
    """A language of the lesson."""
    return request.param


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of a browser, which ends with the file: other tests look at what else is running."""
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def document():
    """A made-up result document with every section filled."""
    return made_up.document()


@pytest.fixture
def clock(monkeypatch):
    """The clock that bench's stopwatch reads."""
    made = Clock()
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: made.now)
    return made


@pytest.fixture
def samples():
    """A small valid input: X, y, w, b."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal((20, 5))
    return X, (rng.random(20) < 0.5).astype(float), rng.standard_normal(5), 0.25


@pytest.fixture
def result_document():
    """Make a small document: (rung, seconds of each sweep) pairs, all on one input."""

    def make(*measured, source="9x2", dtype="float64", threads=1, brand="A CPU"):
        figures = [made_up.figure(*each, source=source, dtype=dtype, threads=threads) for each in measured]
        for one in figures:
            one.status = "measured" if one.seconds else "over budget"
        return Document(made_up.section(*figures), {"cpu": {"brand": brand}})

    return make


@pytest.fixture
def record_worst():
    """Keep the largest share of its bound that a rung used."""

    def record(name, dtype, family, share, case):
        families = WORST[name, np.dtype(dtype).name]
        if share >= families.setdefault(family, (0.0, ""))[0]:  # never where nothing was compared: NaN
            families[family] = (share, case)

    return record


def pytest_terminal_summary(terminalreporter):
    """Print the measured worst error of every rung."""
    if not WORST:
        return
    write = terminalreporter.write_line
    terminalreporter.section("worst error, as a share of the bound")
    for (name, dtype), families in sorted(WORST.items()):
        family, (share, case) = max(families.items(), key=lambda item: item[1][0])
        write(f"{name:28} {dtype:8} {share:6.3f}  {family}: {case}")
