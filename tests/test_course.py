"""What the notes teach: descent, derivatives as slopes, the computation graph."""

import itertools
import math

import numpy as np
import pytest
from bits import as_bytes
from looptax.kernels import fastest
from looptax.pyimpl import numpy_notes
from looptax.pyimpl.course import derivative, descent, graph
from looptax.pyimpl.parts.one_sample import loss_and_dz


class TestDescent:
    def test_finds_the_minimum_with_any_rung(self, step, samples):
        X, y, *_ = samples
        found = descent.descend(step, X, y, learning_rate=1.0, iterations=3)
        assert found.costs.shape == (4,)
        assert found.costs[0] == pytest.approx(math.log(2))
        assert (np.diff(found.costs) < 0).all()

    def test_arrives_where_the_gradient_is_zero(self):
        rng = np.random.default_rng(5)
        X, y = rng.standard_normal((200, 3)), rng.random(200) < 0.4
        found = descent.descend(fastest, X, y, learning_rate=1.0, iterations=3000)
        at = fastest(X, y, found.w, found.b)
        assert np.abs(at.dw).max() < 1e-6
        assert abs(at.db) < 1e-6

    def test_follows_the_update_rule(self, step, samples):
        X, y, w, b = samples
        before = w.copy()
        found = descent.descend(step, X, y, w, b, learning_rate=0.5, iterations=1)
        result = step(X, y, w, b)
        np.testing.assert_array_equal(found.w, w - 0.5 * result.dw)
        assert found.b == b - 0.5 * result.db
        np.testing.assert_array_equal(w, before)

    def test_keeps_the_dtype(self, step, samples):
        X, y, w, b = samples
        found = descent.descend(step, X.astype("f4"), y, w.astype("f4"), b, learning_rate=0.5, iterations=2)
        assert found.w.dtype == found.b.dtype == found.costs.dtype == np.float32

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"learning_rate": 0}, ValueError, "learning_rate is 0; expected a positive finite number"),
            ({"learning_rate": -0.1}, ValueError, "learning_rate is -0.1"),
            ({"learning_rate": math.nan}, ValueError, "learning_rate is nan"),
            ({"learning_rate": math.inf}, ValueError, "learning_rate is inf"),
            ({"learning_rate": "fast"}, TypeError, "learning_rate is a str; expected a real number"),
            ({"learning_rate": 10**400}, ValueError, "learning_rate is 1000"),
            ({"step": None}, TypeError, "step is None; expected a function of X, y, w and b, or a plan"),
            ({"step": numpy_notes}, TypeError, "step is <module .*; expected a function of X, y, w and b, or a plan"),
            ({"iterations": 0}, ValueError, "iterations is 0; expected a positive integer"),
            ({"iterations": 1.5}, TypeError, "iterations is 1.5"),
            ({"iterations": True}, TypeError, "iterations is True"),
            ({"X": np.full((20, 5), np.nan)}, ValueError, "X holds NaN or infinity"),
            ({"b": math.inf}, ValueError, "b holds NaN or infinity"),
        ],
    )
    def test_refuses(self, samples, change, error, message):
        arguments = {**dict(zip("Xywb", samples, strict=True)), "learning_rate": 0.1, "iterations": 2, **change}
        with pytest.raises(error, match=message):
            descent.descend(**{"step": numpy_notes.step, **arguments})

    def test_says_when_the_rate_is_too_large(self, samples):
        X, y, *_ = samples
        with pytest.raises(FloatingPointError, match=r"learning_rate 1e\+308 is too large"):
            descent.descend(numpy_notes.step, X * 1e3, y, learning_rate=1e308, iterations=9)

    @pytest.mark.parametrize("cost", [math.inf, math.nan])
    def test_the_last_cost_is_a_number_or_an_error(self, samples, cost):
        X, y, w, b = samples
        costs = iter([0.7, 0.6, cost])
        with pytest.raises(FloatingPointError, match=r"at update 2; learning_rate 0.5 is too large"):
            descent.descend(lambda X, y, w, b: (next(costs), w, b), X, y, w, b, learning_rate=0.5, iterations=2)

    @pytest.mark.parametrize("at", ["cost", "dw", "db"])
    def test_what_is_not_finite_at_the_start_is_not_the_rates_fault(self, samples, at):
        X, y, w, b = samples
        result = fastest(X, y, w, b)._replace(**{at: w * math.nan if at == "dw" else math.nan})
        with pytest.raises(FloatingPointError, match="at the start, before any update: X, w or b are too large"):
            descent.descend(lambda *_: result, X, y, w, b, learning_rate=0.5, iterations=2)

    def test_a_step_may_return_a_plain_tuple(self, samples):
        found = descent.descend(lambda *at: tuple(fastest(*at)), *samples, learning_rate=0.5, iterations=3)
        assert as_bytes(found) == as_bytes(descent.descend(fastest, *samples, learning_rate=0.5, iterations=3))

    @pytest.mark.parametrize(
        ("result", "error", "message"),
        [
            (None, TypeError, "step returned None; expected a cost, dw and db"),
            ((0.5, np.ones(5)), TypeError, r"step returned \(0.5, array.*; expected a cost, dw and db"),
            ((0.5, [[1], [2, 3]], 0.5), TypeError, "expected a cost, dw and db"),
            (
                (0.5, np.ones((5, 1)), 0.5),
                ValueError,
                r"shapes \(\(\), \(5, 1\), \(\)\); expected \(\(\), \(5,\), \(\)\)",
            ),
            ((np.ones(1), np.ones(5), 0.5), ValueError, r"shapes \(\(1,\), \(5,\), \(\)\); expected"),
        ],
    )
    def test_a_step_that_returns_something_else_is_refused_at_once(self, samples, result, error, message):
        calls = []
        with pytest.raises(error, match=message):
            descent.descend(lambda *_: calls.append(1) or result, *samples, learning_rate=0.5, iterations=3)
        assert len(calls) == 1


class TestCurve:
    """J(w) = (w - 2)², convex, with its minimum at 2."""

    @staticmethod
    def walk(w, learning_rate, iterations=50):
        return descent.descend_curve(
            lambda w: (w - 2) ** 2, lambda w: 2 * (w - 2), w, learning_rate=learning_rate, iterations=iterations
        )

    def test_right_of_the_minimum_w_shrinks_and_left_of_it_w_grows(self):
        assert (np.diff(self.walk(5.0, 0.1, 10).w) < 0).all()
        assert (np.diff(self.walk(-5.0, 0.1, 10).w) > 0).all()

    def test_converges_oscillates_diverges(self):
        assert self.walk(5.0, 0.1).w[-1] == pytest.approx(2, abs=1e-4)
        assert self.walk(5.0, 1.0).w.tolist() == [5.0, -1.0] * 25 + [5.0]
        with pytest.raises(FloatingPointError, match="too large"):
            self.walk(5.0, 1e8)

    def test_the_path_closes_in_by_a_constant_factor(self):
        path = self.walk(5.0, 0.1, 5)
        np.testing.assert_allclose(path.w - 2, 3 * 0.8 ** np.arange(6))
        np.testing.assert_allclose(path.J, (path.w - 2) ** 2)

    def test_refuses(self):
        with pytest.raises(ValueError, match="w is nan; expected a finite start"):
            self.walk(math.nan, 0.1)
        with pytest.raises(ValueError, match="learning_rate is -1"):
            self.walk(0.0, -1)
        with pytest.raises(ValueError, match="iterations is -3"):
            self.walk(0.0, 0.1, -3)
        with pytest.raises(TypeError, match="w is a str; expected a real number"):
            self.walk("0", 0.1)

    @pytest.mark.parametrize(
        ("J", "dJ_dw", "message"),
        [
            (lambda w: math.nan, lambda w: 1.0, "J is nan and dJ_dw 1.0 at the start, w = 10.0; expected finite"),
            (lambda w: w**400, lambda w: 1.0, "J is inf and dJ_dw nan at the start"),
            (lambda w: 1.0, lambda w: math.inf, "J is 1.0 and dJ_dw inf at the start"),
        ],
    )
    def test_what_is_not_finite_at_the_start_is_not_the_rates_fault(self, J, dJ_dw, message):
        with pytest.raises(ValueError, match=message):
            descent.descend_curve(J, dJ_dw, 10.0, learning_rate=0.1, iterations=3)


class TestDerivatives:
    @pytest.mark.parametrize(
        ("f", "a", "df"),
        [(lambda a: 3 * a, 2, 3), (lambda a: 3 * a, 5, 3), (lambda a: a * a, 2, 4), (lambda a: a * a, 5, 10)],
    )
    def test_examples_of_the_notes(self, f, a, df):
        assert derivative.slope(f, a) == pytest.approx(df, rel=1e-11)
        assert derivative.nudge(f, a) == pytest.approx(df, abs=0.0011)

    @pytest.mark.parametrize("entry", derivative.TABLE, ids=lambda entry: entry.formula)
    def test_table(self, entry):
        for x in np.linspace(entry.low, entry.high, 13).tolist():
            assert derivative.slope(entry.f, x) == pytest.approx(entry.df(x), rel=1e-8, abs=1e-9)

    @pytest.mark.parametrize(
        ("rule", "compose"),
        [
            (derivative.sum_rule, lambda f, g: lambda x: f(x) + g(x)),
            (derivative.product_rule, lambda f, g: lambda x: f(x) * g(x)),
            (derivative.quotient_rule, lambda f, g: lambda x: f(x) / g(x)),
            (derivative.chain_rule, lambda f, g: lambda x: f(g(x))),
        ],
    )
    def test_rules(self, rule, compose):
        functions = [
            (math.sin, math.cos),
            (math.exp, math.exp),
            (lambda x: x * x + 1, lambda x: 2 * x),
            (derivative.sigmoid, lambda x: derivative.sigmoid(x) * derivative.sigmoid(-x)),
        ]
        for (f, df), (g, dg) in itertools.product(functions, functions):
            for x in (-1.3, 0.4, 0.9):
                if abs(g(x)) > 0.3 or rule is not derivative.quotient_rule:
                    assert derivative.slope(compose(f, g), x) == pytest.approx(
                        rule(f, df, g, dg)(x), rel=1e-8, abs=1e-9
                    )

    def test_a_wrong_derivative_shows(self):
        assert derivative.slope(math.sin, 0.3) != pytest.approx(math.sin(0.3), rel=1e-3)

    def test_zero_step_is_refused(self):
        for slope in (derivative.slope, derivative.nudge):
            with pytest.raises(ValueError, match="step is 0"):
                slope(math.sin, 1.0, 0.0)

    def test_one_sample_has_its_own_slope(self):
        for z in (-30.0, -2.0, -0.1, 0.3, 5.0, 30.0):
            for y in (0, 1):
                _, dz = loss_and_dz(z, y)
                slope = derivative.slope(lambda z, y=y: loss_and_dz(z, y)[0], z)
                assert slope == pytest.approx(dz, rel=1e-9, abs=1e-12)


class TestGraph:
    @pytest.mark.parametrize(("a", "b", "c"), [(5, 3, 2), (-1.5, 0.25, 7)])
    def test_notes_example(self, a, b, c):
        """J = 3(a + bc): dJ/dv = 3, dJ/da = 3, dJ/du = 3, dJ/db = 3c, dJ/dc = 3b."""
        leaves = [graph.variable(name, value) for name, value in (("a", a), ("b", b), ("c", c))]
        u = leaves[1] * leaves[2]
        v = leaves[0] + u
        J = 3 * v
        assert graph.forward(J) == 3 * (a + b * c)
        graph.backward(J)
        assert [J.grad, v.grad, u.grad] == [1, 3, 3]
        assert [leaf.grad for leaf in leaves] == [3, 3 * c, 3 * b]

    def test_nudging_a_leaf_moves_J_three_times_as_far(self):
        a, b, c = graph.variable("a", 5), graph.variable("b", 3), graph.variable("c", 2)
        J = 3 * (a + b * c)
        assert graph.forward(J) == 33
        a.value = 5.001
        assert graph.forward(J) == pytest.approx(33.003)

    def test_logistic_graph_equals_the_rungs(self, step):
        rng = np.random.default_rng(3)
        X, w, b = rng.standard_normal((6, 2)), rng.standard_normal(2), 0.3
        y = np.array([0.0, 1, 1, 0, 1, 0])
        gradients = []
        for (x1, x2), label in zip(X, y, strict=True):
            g = graph.logistic(x1, w[0], x2, w[1], b, label)
            graph.forward(g.L)
            graph.backward(g.L)
            assert g.z.grad == pytest.approx(g.a.value - label, rel=1e-12)
            assert g.a.grad == pytest.approx(-label / g.a.value + (1 - label) / (1 - g.a.value), rel=1e-12)
            gradients.append((g.L.value, g.w1.grad, g.w2.grad, g.b.grad))
        result = step(X, y, w, b)
        np.testing.assert_allclose(np.mean(gradients, axis=0), [result.cost, *result.dw, result.db], rtol=1e-12)

    def test_every_operation_has_its_slope(self):
        for build in (lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p * q, lambda p, q: 2 - p * p + q * 3,
                      lambda p, q: graph.log(p) * graph.activation(q)):  # fmt: skip
            p, q = graph.variable("p", 1.7), graph.variable("q", -0.6)
            out = build(p, q)
            graph.forward(out)
            graph.backward(out)
            found = (p.grad, q.grad)
            for leaf, right in zip((p, q), found, strict=True):

                def moved(value, leaf=leaf, out=out):
                    kept, leaf.value = leaf.value, value
                    result = graph.forward(out)
                    leaf.value = kept
                    return result

                assert derivative.slope(moved, leaf.value) == pytest.approx(right, rel=1e-9)

    def test_a_value_used_twice_gathers_both_slopes(self):
        p = graph.variable("p", 3)
        out = p * p
        graph.forward(out)
        graph.backward(out)
        assert p.grad == 6

    def test_a_long_chain_does_not_exhaust_the_stack(self):
        node = graph.variable("p", 1)
        out = node
        for _ in range(20_000):
            out = out + 1
        assert graph.forward(out) == 20_001
        graph.backward(out)
        assert node.grad == 1

    def test_names_show(self):
        J = graph.named("J", 3 * graph.variable("a", 2))
        graph.forward(J)
        assert repr(J) == "J=6 (grad 0)"


class TestNotesForm:
    """The range it states, and what happens beyond."""

    @staticmethod
    def cost(z, y, dtype=np.float64):
        with np.errstate(all="ignore"):
            return numpy_notes.step(np.array([[1.0]], dtype), np.array([y]), np.array([z], dtype), 0).cost

    def test_half_the_digits_are_left_at_the_end_of_its_range(self):
        for dtype, edge in ((np.float64, 18.0), (np.float32, 7.9)):
            z = dtype(edge)
            error = abs(float(self.cost(z, 0, dtype)) / math.log1p(math.exp(z)) - 1)
            assert error < 4 * math.sqrt(np.finfo(dtype).eps)

    def test_beyond_it_breaks(self):
        assert self.cost(40.0, 0) == np.inf  # the right answer is 40
        assert np.isnan(self.cost(40.0, 1))
