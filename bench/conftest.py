"""For ``pytest bench --benchmark-only``: the matrix of preset S, with pytest-benchmark's own report."""

from looptax.bench.measure.matrix import Matrix  # absolute: pytest imports this file outside its package
from looptax.bench.measure.run import MatrixPlugin


def pytest_configure(config):
    """Run the smallest preset."""
    config.pluginmanager.register(MatrixPlugin(Matrix()), "looptax-matrix")
