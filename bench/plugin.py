"""The matrix as a pytest plugin: one test per cell, timed and stored by pytest-benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from . import machine
from .data import samples_and_features
from .matrix import Matrix, Outcome, measure

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = 1


class MatrixPlugin:
    """Makes the cells tests, and adds what became of each to pytest-benchmark's JSON.

    Parameters
    ----------
    matrix : Matrix
    on_cell : callable, optional
        Called with a cell before it is measured, and with None after the last.
    """

    def __init__(self, matrix: Matrix, on_cell: Callable[[Any], None] | None = None) -> None:
        self.matrix = matrix
        self.on_cell = on_cell or (lambda cell: None)
        cells = matrix.cells()
        shapes = {source: samples_and_features(source) for source in matrix.sources}
        self.outcomes = {cell.id: Outcome(cell, *shapes[cell.source]) for cell in cells}
        self.document: dict[str, Any] | None = None
        self.error: str | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the one test of bench_matrix.py its cells."""
        if "cell_id" in metafunc.fixturenames:
            metafunc.parametrize("cell_id", list(self.outcomes))

    @pytest.fixture
    def measured(self, benchmark, cell_id: str) -> Outcome:
        """Measure the cell and return what became of it."""
        outcome = self.outcomes[cell_id]
        self.on_cell(outcome.cell)
        measure(outcome.cell, outcome, benchmark, self.matrix.budget)
        return outcome

    def pytest_benchmark_generate_machine_info(self) -> dict[str, Any]:
        """Replace pytest-benchmark's machine facts by ours."""
        return machine.facts()

    def pytest_benchmark_generate_commit_info(self) -> dict[str, Any]:
        """Replace the commit of the current folder by that of this package."""
        return {"id": machine.commit()}

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Add the settings and every cell's outcome, and drop the rounds of a cell that Ctrl-C cut short."""
        output_json["benchmarks"] = [
            entry for entry in output_json["benchmarks"] if self.outcomes[entry["param"]].status == "measured"
        ]
        output_json["looptax"] = {
            "schema": SCHEMA,
            "settings": self.matrix.as_dict(),
            "blas_override": machine.blas_override(),
            "cells": [outcome.as_dict() for outcome in self.outcomes.values()],
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Assemble the document, also after an interrupt or with nothing measured."""
        config = session.config
        self.on_cell(None)
        document = config.hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=config._benchmarksession.benchmarks,  # type: ignore[attr-defined]  # pytest-benchmark's
            include_data=True,
            machine_info=machine.facts(),
            commit_info={"id": machine.commit()},
        )
        self.pytest_benchmark_update_json(document)
        self.document = document

    def pytest_exception_interact(self, call: pytest.CallInfo) -> None:
        """Keep the first unexpected error, which the silent run would otherwise hide."""
        if self.error is None and call.excinfo is not None and not call.excinfo.errisinstance(pytest.fail.Exception):
            self.error = str(call.excinfo.getrepr(style="short"))
