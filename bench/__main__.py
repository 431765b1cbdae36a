"""``looptax``, and ``python -m looptax.bench``."""

import sys


def main() -> None:
    """Run the command line; without its packages, say what brings them."""
    try:
        from .cli import app
    except ModuleNotFoundError as error:
        if (error.name or "looptax").startswith("looptax"):
            raise  # a fault of ours
        sys.exit(f"The command looptax needs {error.name}, which is not installed: pip install 'looptax[bench]'")
    app(prog_name="looptax")


if __name__ == "__main__":
    main()
