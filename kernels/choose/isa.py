"""Which build of a compiled kernel this CPU gets: the best instruction set it has, or the one asked for."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...pyimpl.parts.contract import shown
from . import cpu

if TYPE_CHECKING:
    from types import ModuleType

    from ...pyimpl.parts.contract import StepFunction

ROOT = __package__.rpartition(".")[0]  # of the rungs
#: Environment variable that names the instruction set to use instead of the best one.
VARIABLE = "LOOPTAX_ISA"
FUSED = ("x86_64_v3", "x86_64_v4")  # instruction sets with a fused multiply-add


def available(kernel: str) -> dict[str, str]:
    """Return the builds of a kernel this CPU can run, best first: instruction set → module, seen from `ROOT`."""
    names = {level: f"{kernel}__{level}" for level in (*cpu.instruction_sets(), "plain")}
    names["any"] = kernel
    return {level: name for level, name in names.items() if find_spec(f"{ROOT}.{name}")}


def chosen(kernel: str) -> str:
    """Return the instruction set whose build of a kernel `load` imports.

    Raises
    ------
    ImportError
        No build of the kernel runs on this CPU, or not the one that LOOPTAX_ISA asks for.
    """
    builds = available(kernel)
    wanted = os.environ.get(VARIABLE)
    if wanted and "any" not in builds:
        if wanted not in builds:
            raise ImportError(f"{VARIABLE} is {shown(wanted)}; {kernel} has here: {', '.join(builds) or 'no build'}")
        return wanted
    if not builds:
        raise ImportError(f"{kernel} has no build that this CPU can run; see 'Installing' in the README")
    return next(iter(builds))


def fused(level: str) -> bool:
    """Whether the builds for an instruction set have a fused multiply-add, and so the same bits as each other."""
    return level in FUSED or platform.machine().lower() in ("aarch64", "arm64")


@cache
def load(kernel: str) -> ModuleType:
    """Import the build of a kernel that suits this CPU."""
    return import_module(f"{ROOT}.{available(kernel)[chosen(kernel)]}")


@cache
def step(kernel: str) -> StepFunction:
    """Return the step of a kernel, in the build that suits this CPU; unpickled, it is that of the CPU it comes to."""
    found = load(kernel).step
    found.__reduce_ex__ = lambda protocol: (step, (kernel,))
    return found
