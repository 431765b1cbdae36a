"""``python -m looptax.bench``: the same as ``looptax``."""

from .cli import main

main()
