"""Evidence of SIMD: packed and scalar floating-point instructions in the innermost loops of a compiled rung."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from ....kernels.choose import isa
from ....kernels.ladder import rung

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ....kernels.ladder import Rung


class SimdError(RuntimeError):
    """There is no evidence here; the message says why."""


class Instruction(NamedTuple):
    """One line of assembly, and the position in its function of what it jumps to."""

    name: str
    operands: str
    target: int | None


class Counts(NamedTuple):
    """Floating-point additions, multiplications, divisions and combinations of them."""

    packed: int
    scalar: int


# An address (objdump), a label on a line of its own (Numba) or neither; then an instruction.
LINE = re.compile(
    r"\s*(?:(?P<address>[0-9a-f]+):\s|(?P<label>[.\w$]+):|\s)\s*(?P<name>[a-z][\w.]*)?\s*(?P<operands>.*)"
)
JUMP = re.compile(r"j\w+|b(\.\w+)?|cbn?z|tbn?z")
CALL = re.compile(r"call\w*|blr?")
X86 = r"v?(?:add|sub|mul|div|fn?m(?:add|sub)\d+)"
ARM = r"f(?:add|sub|mul|div|n?mul|n?madd|n?msub|mla|mls)"
ARITHMETIC = re.compile(rf"{X86}[ps][sd]|{ARM}")
PACKED = re.compile(rf"{X86}p[sd] |{ARM} [vz]\d+\.")


def functions(assembly: str) -> Iterator[list[Instruction]]:
    """Read a disassembly by objdump, or the assembly Numba shows: the instructions of each function."""
    for text in re.split(r"\n\s*\n|^\s*\.size\b.*$", assembly, flags=re.MULTILINE):
        lines: list[tuple[str, str]] = []
        places: dict[str, int] = {}
        for match in filter(None, map(LINE.match, text.splitlines())):
            for mark in filter(None, (match["address"], match["label"])):
                places[mark] = len(lines)
            if match["name"]:
                lines.append((match["name"], match["operands"]))
        yield [Instruction(name, operands, _target(name, operands, places)) for name, operands in lines]


def _target(name: str, operands: str, places: dict[str, int]) -> int | None:
    """Where a jump goes: the last operand, of which objdump also gives the symbol."""
    words = operands.partition("<")[0].replace(",", " ").split()
    return places.get(words[-1]) if words and JUMP.fullmatch(name) else None


def innermost_loops(instructions: Sequence[Instruction]) -> Iterator[Sequence[Instruction]]:
    """Return the bodies of the loops that hold no other loop: from the target of a jump backwards to the jump."""
    jumps = [(one.target, k) for k, one in enumerate(instructions) if one.target is not None and one.target <= k]
    for first, last in jumps:
        if not any(first <= start and end <= last for start, end in jumps if (start, end) != (first, last)):
            yield instructions[first : last + 1]


def count(assembly: str) -> Counts:
    """Count the arithmetic in the innermost loops that call nothing.

    A packed loop is mostly followed by a scalar one for the elements that are left over: its instructions
    are counted too.
    """
    found = [
        f"{one.name} {one.operands}"
        for function in functions(assembly)
        for loop in innermost_loops(function)
        if not any(CALL.fullmatch(one.name) for one in loop)
        for one in loop
        if ARITHMETIC.fullmatch(one.name)
    ]
    packed = sum(bool(PACKED.match(line)) for line in found)
    return Counts(packed, len(found) - packed)


def evidence(name: str) -> dict[str, Any]:
    """Count the instructions of a compiled rung; one by Numba must have been compiled in this process.

    Returns
    -------
    dict
        ``instruction_set``, ``packed``, ``scalar`` and ``tool``.

    Raises
    ------
    SimdError
        No disassembler, or another kind of processor.
    """
    if platform.machine().lower() not in ("x86_64", "amd64", "aarch64", "arm64"):
        raise SimdError(f"the instructions of {platform.machine()} are not known here")
    chosen = rung(name)
    if chosen.family == "numba":
        from llvmlite import binding

        assembly, tool, level = numba_assembly(chosen), "inspect_asm", binding.get_host_cpu_name()
    else:
        assembly, tool, level = disassembly(chosen.module), "objdump", isa.chosen(chosen.module)
    return {"instruction_set": level, **count(assembly)._asdict(), "tool": tool}


def disassembly(kernel: str, level: str | None = None) -> str:
    """Return objdump's view of a Cython kernel, built for `level` or for what is loaded here."""
    objdump = shutil.which("objdump")
    if objdump is None:
        raise SimdError("no disassembler (objdump) here")
    module = isa.available(kernel)[level or isa.chosen(kernel)]
    spec = find_spec(f"{isa.ROOT}.{module}")
    assert spec is not None
    assert spec.origin is not None
    command = [objdump, "-d", "--no-show-raw-insn", spec.origin]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def numba_assembly(chosen: Rung) -> str:
    """Return Numba's assembly of the functions a rung's step calls; what these call is in it."""
    step: Any = import_module(f"{isa.ROOT}.{chosen.module}").step
    called = [step.__globals__.get(name) for name in step.__code__.co_names]
    compiled: list[Any] = [function for function in called if hasattr(function, "inspect_asm")]
    return "\n\n".join(text for function in compiled for text in function.inspect_asm().values())
