"""Build the Cython kernels: once per instruction set the compiler knows, with OpenMP where it has it."""

import os
import platform
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

KERNELS = Path("kernels")
# Built once per instruction set.
VARIED = ("cython_simd", "cython_parallel", "cython_fused", "cython_tuned", "parts.probe", "variants.several")
SINGLE = (
    "blocks.window",
    "choose.cpu",
    "choose.region",
    "choose.team",
    "cython_serial",
)  # nothing in them gains from wider registers
PARALLEL = ("cython_parallel", "cython_fused", "parts.probe", "choose.region", "choose.cpu")  # with OpenMP, if any
CORE = {  # C of parts/, compiled once for each dtype
    "cython_tuned": ["tuned"],
    "parts.probe": ["ceilings"],
    "variants.several": ["several", "sparse"],
}
# Of x86-64; LOOPTAX_LEVELS names some alone, where a build is for this machine and takes long.
LEVELS = tuple(os.environ.get("LOOPTAX_LEVELS", "x86_64_v2 x86_64_v3 x86_64_v4").split())
PLAIN = "plain"
DIRECTIVES = {"freethreading_compatible": True}  # what threads share is C's atomics, or under a lock: see docs/trust.md

MSVC = sys.platform == "win32"
# Strict IEEE arithmetic: no traps and no errno is all that packed code needs; a fused multiply-add
# rounds once where two operations round twice.
OPTIMISE = ["/O2"] if MSVC else ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
OPENMP = ["/openmp"] if MSVC else ["-fopenmp"]
LAST = shlex.split(os.environ.get("LOOPTAX_CFLAGS", ""))  # behind all others, for `.ci/sanitize`


def architecture(level: str) -> list[str]:
    """Compiler flags for an instruction set; gcc and clang call it by the same name with hyphens."""
    return [] if level == PLAIN else ["-march=" + level.replace("_", "-")]


class BuildKernels(build_ext):
    """Ask the compiler what it can do, then build every kernel it can build."""

    def finalize_options(self) -> None:
        """Use every processor, unless told otherwise."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        """Build; in an editable install, also show type checkers where the packages are."""
        super().run()
        if self.editable_mode:
            path = Path(self.get_finalized_command("install").install_lib, "__editable__.looptax-stubs.pth")
            path.write_text(f"{self._linked()}\n", encoding="utf-8")

    def _linked(self) -> Path:
        """Return a folder with links to the packages, under the name they install as.

        Python finds an editable install by a hook of imports, which type checkers do not run: they follow a path. Links
        to folders show new files at once; and as no import finds a folder of stubs, each module still has one place.
        """
        stubs = Path("build", "types", "looptax-stubs").resolve()
        shutil.rmtree(stubs, ignore_errors=True)
        stubs.mkdir(parents=True)
        try:
            (stubs / "__init__.pyi").symlink_to(Path("looptax", "__init__.py").resolve())
            for package, folder in self.distribution.package_dir.items():
                (stubs / package.removeprefix("looptax.")).symlink_to(Path(folder).resolve(), target_is_directory=True)
        except OSError as error:  # Windows, to whom may not make links
            self.warn(f"type checkers will not find looptax: {error}")
        return stubs.parent

    def build_extensions(self) -> None:
        """Give every extension its flags; leave out the instruction sets this compiler does not know."""
        openmp = (
            OPENMP
            if self._compiles("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }", OPENMP)
            else []
        )
        if not openmp:
            self.warn("the compiler has no OpenMP: cython-parallel and cython-fused will run on one thread")
        x86 = platform.machine().lower() in ("x86_64", "amd64") and not MSVC
        levels = [
            level for level in LEVELS if x86 and self._compiles("int main(void) { return 0; }", architecture(level))
        ]
        if x86 and not levels:
            self.warn("the compiler knows no level of x86-64: kernels will have the instructions of all CPUs alone")
        for extension in list(self.extensions):
            kernel, _, level = extension.name.removeprefix("looptax.kernels.").partition("__")
            own = openmp if kernel in PARALLEL else []
            flags = OPTIMISE + own
            extension.extra_link_args = [] if MSVC else own
            if level in LEVELS or level == PLAIN:
                if level not in (levels or [PLAIN]):
                    self.extensions.remove(extension)
                    continue
                flags = flags + architecture(level)
            if kernel in ("cython_tuned", "variants.several") and not MSVC:
                flags = [*flags, "-ffp-contract=off"]  # its sums have the same bits with every compiler
            extension.extra_compile_args = flags + LAST
            # Translated here, one after the other: Cython itself is not made for threads, the C compiler is.
            translated = Path("build", extension.sources[0]).with_suffix(".c")
            stale = translated.exists() and translated.stat().st_mtime < Path("setup.py").stat().st_mtime
            extension.sources = cythonize(
                [extension], include_path=[str(KERNELS)], build_dir="build", compiler_directives=DIRECTIVES,
                force=stale or None,  # it does not see that directives have changed
            )[0].sources  # fmt: skip
        super().build_extensions()

    def _compiles(self, source: str, flags: list[str]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            try:
                objects = self.compiler.compile([str(path)], output_dir=folder, extra_postargs=flags)
                flags = [] if MSVC else flags + shlex.split(os.environ.get("LDFLAGS", ""))  # as of what is built
                self.compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=flags)
            except (CompileError, LinkError):
                return False
            return True


def extensions() -> list[Extension]:
    """One extension per kernel and instruction set; each set compiles its own copy of the source."""
    written = [path for folder in ("blocks", "choose", "parts") for path in (KERNELS / folder).iterdir()]
    headers = sorted(str(path) for path in written if path.suffix in (".c", ".h", ".pxd"))
    common = {
        "include_dirs": [str(KERNELS / "blocks"), str(KERNELS / "choose"), str(KERNELS / "parts"), numpy.get_include()],
        "depends": [*headers, "setup.py"],
    }
    libraries = [] if MSVC else ["m"]
    found = [
        Extension(f"looptax.kernels.{name}", [str(source(name))], libraries=libraries, **common) for name in SINGLE
    ]
    arrays = Path("bench", "measure", "anatomy", "arrays.pyx")
    found.append(
        Extension(
            "looptax.bench.measure.anatomy.arrays",
            [str(arrays)],
            include_dirs=[numpy.get_include()],
            depends=["setup.py"],
        )
    )
    for level in (*LEVELS, PLAIN):
        for name in VARIED:
            module = f"{name.rpartition('.')[2]}__{level}"
            copy = Path("build", "variants", f"{module}.pyx")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source(name), copy)  # with its time, so that Cython translates what is new
            core = [typed(part, bits, module) for part in CORE.get(name, ()) for bits in (64, 32)]
            found.append(Extension(f"looptax.kernels.{name}__{level}", [str(copy), *core], **common))
    return found


def source(name: str) -> Path:
    """Where a kernel is written."""
    return KERNELS / (name.replace(".", "/") + ".pyx")


def typed(part: str, bits: int, module: str) -> str:
    """Write and return the source of a part of the C core for one dtype and module."""
    path = Path("build", "variants", f"{part}_f{bits}__{module}.c")
    path.write_text(f'#define REAL {bits}\n#include "{part}.c"\n', encoding="ascii")
    return str(path)


setup(
    ext_modules=extensions(),
    cmdclass={"build_ext": BuildKernels},
)
