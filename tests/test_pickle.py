"""What is copied and pickled comes back as it was, on this CPU or another."""

import copy
import pickle

import numpy as np
import pytest
from bits import as_bytes
from fresh import python
from looptax.bench.conformance import cases
from looptax.kernels import Plan, fastest, plan, threads
from looptax.kernels.choose import isa
from looptax.kernels.choose.plans import DensePlan
from looptax.kernels.choose.schedule import Schedule
from looptax.pyimpl.parts.contract import Step

_, X, y, w, b = cases.ordinary("", 300, 7, np.float64)
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def pickled(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fastest_is_pickled_by_its_public_name(protocol):
    found = pickle.dumps(fastest, protocol)
    assert b"looptax.kernels" in found
    assert b"tuned" not in found
    assert pickle.loads(found) is fastest


def test_a_step_is_pickled_without_the_name_of_a_build(step):
    found = pickle.dumps(step)
    assert not [level for level in (*isa.available("cython_tuned"), "__") if level.encode() in found]
    assert pickle.loads(found) is step
    assert copy.copy(step) is copy.deepcopy(step) is step


def test_on_another_cpu_a_step_is_that_of_its_own_build():
    *_, (level, module) = isa.available("cython_simd").items()
    steps = pickle.dumps((isa.step("cython_simd"), fastest))
    code = f"""if True:
        import pickle, sys
        simd, fastest = pickle.loads(bytes.fromhex({steps.hex()!r}))
        print(sys.modules["looptax.kernels.{module}"].step is simd, fastest.which.__name__)
        """
    done = python(code, LOOPTAX_ISA=level)
    assert done.stdout.split() == ["True", "which"], done.stderr


@pytest.mark.parametrize("value", [plan, Plan, threads, fastest.which, Schedule(9, True)])
def test_what_else_there_is_comes_back(value):
    assert pickled(value) == value


def test_a_result_comes_back(step):
    right = step(X, y, w, b)
    found = pickled(right)
    assert type(found) is Step
    assert as_bytes(found) == as_bytes(right)
    assert type(found.cost) is np.float64


MADE = {
    "estimated": lambda: plan(X, y),
    "of bool labels": lambda: plan(X, y > 0),
    "of columns": lambda: plan(np.asfortranarray(X), y),
    "of a schedule": lambda: DensePlan(X, y, at_most=2, how=Schedule(4096, streamed=True), reason="because"),
    "with a bound": lambda: plan(X, y, threads=1),
}


class TestPlans:
    @pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
    @pytest.mark.parametrize("make", MADE.values(), ids=MADE)
    def test_a_copy_does_the_same(self, make, again):
        made = make()
        found = again(made)
        assert type(found) is type(made)
        assert isinstance(found, Plan)
        assert found is not made
        assert as_bytes(found.step(w, b)) == as_bytes(made.step(w, b))
        assert (found.explain(), found.threads, repr(found)) == (made.explain(), made.threads, repr(made))
        assert found._at_most == made._at_most

    def test_a_shallow_copy_shares_the_data_and_a_deep_one_does_not(self):
        made = plan(X, y)
        assert copy.copy(made).X is made.X is X
        assert copy.copy(made).y is made.y is y
        assert not np.shares_memory(copy.deepcopy(made).X, X)
        assert not np.shares_memory(copy.deepcopy(made).y, y)

    def test_what_a_worker_is_given_works_there(self):
        made = plan(X, y)
        assert as_bytes(pickled(made.step)(w, b)) == as_bytes(made.step(w, b))
        assert pickled(made.objective)(np.append(w, b))[0] == made.step(w, b).cost
