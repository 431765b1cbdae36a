"""``looptax``, ``python -m looptax`` and ``python -m looptax.bench``."""

import sys

from . import ending


def main() -> None:
    """Run the command line; without its packages, say what brings them."""
    with ending.told():
        ending.prepare()
        try:
            from .cli import app

            ending.heed()
            app(prog_name="looptax")
        except ModuleNotFoundError as error:
            if (error.name or "looptax").startswith("looptax"):
                raise  # a fault of ours
            sys.exit(f"The command looptax needs {error.name}, which is not installed: pip install 'looptax[bench]'")


if __name__ == "__main__":
    main()
