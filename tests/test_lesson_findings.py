"""The lesson: what its chapters find, the source they show, the guesses they take, and their pictures."""

import colorsys
from itertools import combinations

import numpy as np
import pytest
from looptax.bench.show import terminal
from looptax.bench.teach.lesson import guesses, listings, plain, svg, text
from looptax.bench.teach.lesson.chapters import slopes
from looptax.bench.teach.lesson.pictures import Axis, Bar, Bars, Curves, Graph, Series
from looptax.bench.teach.lesson.words import Words
from looptax.kernels import fastest
from looptax.kernels.ladder import LADDER, rung
from looptax.kernels.parts.numba_link import loss_and_dz
from looptax.pyimpl import python_array
from terminal import printed


class TestFindings:
    def test_the_right_rate_arrives_first_and_the_large_one_jumps(self, found):
        it = found["cost"]
        slow, right = (it.journeys[name].arrives(it.least) for name in ("too small", "right"))
        assert right < slow
        assert it.journeys["right"].rises == it.journeys["too small"].rises == 0
        assert it.journeys["too large"].rises > 10
        assert it.start == pytest.approx(np.log(2))
        assert it.convex == it.pairs

    def test_the_error_curve_turns(self, found):
        it = found["slopes"]
        assert 1e-10 < it.best_step < 1e-6
        assert it.finer < it.least_error < it.last_error
        assert it.worst < 1e-8

    def test_a_wrong_line_of_the_table_would_show(self):
        wrong = slopes.Entry("x² → 3x", lambda x: x * x, lambda x: 3 * x, -3, 3)
        assert slopes.worst_error(wrong) > 0.1

    def test_graphs_have_the_notes_values(self, found):
        it = found["graph"]
        assert (it.J["J"].value, it.J["v"].grad, it.J["a"].grad, it.J["b"].grad, it.J["c"].grad) == (33, 3, 3, 6, 9)
        assert it.L["z"].grad == pytest.approx(it.L["a"].value - it.L["y"].value)
        assert it.L["w1"].grad == pytest.approx(it.L["x1"].value * it.L["z"].grad)
        assert ("a", "L") in it.logistic.arrows
        assert it.nudged < 1e-6

    def test_bytecode_is_of_the_inner_loop(self, found):
        shown = found["loop"].listings()["inner"]
        assert shown.count("*") == 1
        assert "FOR_ITER" in shown.splitlines()[0]
        assert "JUMP_BACKWARD" in shown.splitlines()[-1]
        assert len(listings.loops(python_array.double_loop)) == 3

    def test_simd_shows_packed_and_scalar_loops(self, found):
        it = found["simd"]
        assert it.loops["sum_in_order"].packed == 0
        assert it.loops["sum_in_any_order"].packed > 0
        assert it.loops["sigmoid_called"].packed is None
        assert it.loops["sigmoid_polynomial"].packed > 20
        assert it.hot["scalar"]
        assert it.hot["packed"]
        assert it.left != it.right

    def test_the_loops_of_simd_compute_what_they_say(self):
        from looptax.bench.teach.lesson.chapters import simd

        z = np.random.default_rng(0).uniform(-4, 4, 1001)
        expected = (1 / (1 + np.exp(-z))).sum()
        assert simd.sigmoid_called(z) == pytest.approx(expected, rel=1e-13)
        assert simd.sigmoid_polynomial(z) == pytest.approx(expected, rel=1e-13)
        assert simd.sum_in_order(z) == pytest.approx(z.sum(), abs=1e-10)
        assert simd.sum_in_any_order(z) == pytest.approx(z.sum(), abs=1e-10)
        assert loss_and_dz(0.0, 0.0)[1] == 0.5

    def test_the_ladder_has_every_rung_with_a_number(self, found):
        lines = found["ladder"].tables()["alone"].lines
        assert [line.cells[0] for line in lines] == [rung.name for rung in LADDER]
        assert all(len(line.cells) == len(found["ladder"].tables()["alone"].columns) for line in lines)
        assert all(not line.note for line in lines)

    def test_another_machine_is_never_slower(self, found):
        here, *others = found["ladder"].machines
        assert all(one.seconds <= here.seconds for one in others)
        assert found["ladder"].over_least > 0


class TestListings:
    def test_the_tile_loop_for_beginners_does_what_the_rung_does(self):
        """It is short, and comes before the rung's own code."""
        kinds = [block.kind for block in text.chapter("one_pass", "en").blocks]
        assert kinds.index("python") < kinds.index("source")
        code = text.chapter("one_pass", "en").blocks[kinds.index("python")].body
        function = code.partition("def one_pass")[2].partition("\n\n")[0]
        assert len(function.splitlines()) <= 12
        namespace = {}
        exec(code, namespace)
        rng = np.random.default_rng(1)
        X, y, w = rng.standard_normal((1000, 7)), (rng.random(1000) < 0.3).astype(float), rng.standard_normal(7)
        cost, dw, db = rung("numba-fused").load()(X, y, w, 0.3)
        ours = namespace["one_pass"](X, y, w, 0.3)
        assert ours == (pytest.approx(cost), pytest.approx(dw, rel=1e-12), pytest.approx(db))

    def test_code_is_the_files_own(self, name):
        """Every line shown stands in the file, in the same order."""
        for block in text.chapter(name, "en").blocks:
            if block.kind == "source":
                file, *names = block.arguments
                shown = listings.source(file, names)
                lines = [line.rstrip('"') for line in listings.path(file).read_text(encoding="utf-8").splitlines()]
                places = [lines.index(line.rstrip('"')) for line in shown.splitlines() if line.strip()]
                assert len(places) >= 2
                compile(shown, file, "exec") if file.endswith(".py") else None

    def test_a_docstring_is_cut_to_its_first_line(self):
        shown = listings.source("pyimpl/python_array.py", ["double_loop"])
        assert '"""Loop over samples, and twice over the features of each; add the gradient to `dw`."""' in shown
        assert "Parameters" not in shown
        assert shown.endswith("return cost / m, db / m")

    @pytest.mark.parametrize("file", ["pyimpl/python_array.py", "kernels/cython_serial.pyx"])
    def test_a_function_that_is_gone_is_missed(self, file):
        with pytest.raises(ValueError, match="there is no function 'nothing'"):
            listings.source(file, ["nothing"])

    def test_imports_are_written_for_outside(self):
        shown = listings.imports("kernels/numba_serial.py")
        assert "from looptax.pyimpl.parts.contract import Step, check" in shown
        assert "from looptax.kernels.parts.numba_jit import compiled, readonly" in shown
        assert "from looptax.pyimpl import python_array" in shown
        assert "from looptax.pyimpl.parts import one_sample" in shown
        namespace = {}
        exec(shown + "\n" + listings.source("kernels/numba_serial.py", ["_double_loop", "step"]), namespace)
        assert namespace["step"](np.ones((4, 2)), np.array([0, 1, 1, 0]), np.zeros(2), 0.0).cost == pytest.approx(
            np.log(2)
        )


class TestGuesses:
    @pytest.mark.parametrize(
        ("typed", "value"),
        [
            ("30", 30),
            (" 1e-8 ", 1e-8),
            ("10^-8", 1e-8),
            ("1,000", 1000),
            ("100x", 100),
            ("30 ns", 30),
            ("100 ×", 100),
            ("50%", 50),
            ("2^3", 8),
        ],
    )
    def test_are_read(self, typed, value):
        assert guesses.parse(typed) == pytest.approx(value)

    @pytest.mark.parametrize(
        "typed", ["", "many", "-3", "0", "nan", "inf", "1e999", "2^^3", "^3", "(-8)^0.5", "-8^0.5"]
    )
    def test_are_refused(self, typed):
        with pytest.raises((ValueError, OverflowError)):
            guesses.parse(typed)

    @pytest.mark.parametrize(
        ("guess", "expected"),
        [
            (100, "spot on"),
            (110, "spot on"),
            (40, "the right order"),
            (310, "the right order"),
            (30, "off by a factor of 3.33"),
            (880, "off by a factor of 8.8"),
            (1e5, "off by a factor of 1,000"),
        ],
    )
    def test_are_judged_by_orders_of_magnitude(self, guess, expected):
        assert guesses.verdict(guess, 100, Words("en")).startswith(expected)

    def test_are_told_in_their_unit(self):
        told = guesses.told(50, 400e-9, guesses.UNITS["ns"], Words("en"))
        assert told == "You guessed 50 ns, measured: 400 ns — off by a factor of 8."
        assert "50%" in guesses.told(50, 0.4, guesses.UNITS["percent"], Words("en"))


class TestPictures:
    def test_all_are_drawn_in_both_ways(self, name, language, found):
        for picture in found[name].pictures().values():
            drawn = svg.draw(picture, Words(language))
            assert drawn.startswith("<svg")
            assert "NaN" not in drawn
            assert "undefined" not in drawn
            assert len(shown_lines(plain.draw(picture, Words(language)))) > 3

    def test_a_bowl_is_fine_grained_and_its_walks_have_clearly_different_colours(self, found):
        bowl = found["cost"].pictures()["walks"]
        assert min(bowl.J.shape) >= 150
        assert len(bowl.walks) == 3
        drawn = svg.draw(bowl, Words("en"))
        hues = []
        for colour in svg.COLOURS[:3]:
            assert colour in drawn
            hues.append(colorsys.rgb_to_hls(*(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)))[0])
        assert all(0.1 < abs(a - b) < 0.9 for a, b in combinations(hues, 2))

    def test_the_heights_of_the_bowl_are_those_of_the_step(self, found):
        it = found["cost"]
        bowl = it.pictures()["bowl"]
        for row, column in ((0, 0), (3, 200), (-1, -1)):
            w, b = bowl.w[column], bowl.b[row]
            assert bowl.J[row, column] == pytest.approx(fastest(it.X, it.y, np.array([w]), float(b)).cost)

    def test_points_without_a_number_are_left_out(self):
        curves = Curves(Axis("x"), Axis("y"), [Series("s", [1, 10, 100], [1.0, None, 3.0])])
        assert curves.series[0].points == [(1, 1), (100, 3)]
        assert svg.draw(curves, Words("en")).startswith("<svg")
        bars = Bars(Axis("time", "seconds"), [Bar("a", 1.0, "numpy"), Bar("b", None, "numpy")])
        assert ">b</text>" in svg.draw(bars, Words("en"))

    def test_a_graph_is_a_tree_in_the_terminal(self, found):
        picture = found["graph"].pictures()["simple"]
        assert isinstance(picture, Graph)
        lines = shown_lines(plain.draw(picture, Words("en")))
        assert lines[0].startswith("J = 3v: 33")
        assert any("u = bc: 6   dJ/du = 3" in line for line in lines)

    def test_a_table_keeps_brackets(self, found):
        table = terminal.table(Words("en").table(found["loop"].tables()["pieces"]))
        assert any("w[j] * x[j]" in line for line in shown_lines(table))

    @pytest.mark.parametrize("draw", [svg.draw, plain.draw])
    def test_something_else_is_refused(self, draw):
        with pytest.raises(TypeError, match="no picture is a str"):
            draw("a picture", Words("en"))


def shown_lines(picture):
    """What a terminal shows of it, line by line."""
    return printed(picture, width=100).splitlines()
