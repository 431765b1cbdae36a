"""Tell whether a source distribution holds all that git tracks, and a wheel nothing that it does not.

``python .ci/contents.py DIST.tar.gz DIST.whl`` prints their sizes; what is missing or stray ends it with exit code 1.
"""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

MADE = re.compile(r"PKG-INFO|setup\.cfg|looptax\.egg-info/.*")  # by setuptools, in the source distribution
BUILT = re.compile(
    r"""looptax-[^/]+\.dist-info/.*
      | looptax\.libs/libgomp-[^/]+   # auditwheel's copy
      | looptax/.*\.(so|pyd)          # the kernels
    """,
    re.VERBOSE,
)

sdist, wheel = map(Path, sys.argv[1:])
tracked = set(subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines())
folders = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-dir"]
places = {f"{folder}/": f"{package.replace('.', '/')}/" for package, folder in folders.items()}


def installed(path: str) -> str:
    """Where a file of the repository lies in the wheel."""
    top, slash, rest = path.partition("/")
    return places.get(top + slash, top + slash) + rest


with tarfile.open(sdist) as archive:
    packed = {member.name.partition("/")[2] for member in archive if member.isfile()}
with zipfile.ZipFile(wheel) as archive:
    laid = {name for name in archive.namelist() if not name.endswith("/")}
code = {installed(path) for path in tracked if not path.startswith(("docs/", "tests/"))}
wrong = {
    f"{sdist.name} lacks": tracked - packed,
    f"{sdist.name} has": {path for path in packed - tracked if not MADE.fullmatch(path)},
    f"{wheel.name} has": {path for path in laid - code if not BUILT.fullmatch(path)},
    f"{wheel.name} lacks": {path for path in code if path.startswith("looptax/")} - laid,
}
for path in (sdist, wheel):
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
with zipfile.ZipFile(wheel) as archive:
    print(f"installed: {sum(one.file_size for one in archive.infolist()) / 1e6:.1f} MB, {len(laid)} files")
for what, paths in wrong.items():
    for path in sorted(paths):
        print(f"{what} {path}")
sys.exit(any(wrong.values()))
