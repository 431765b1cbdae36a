"""``python -m looptax``. No ``__init__.py`` stands beside it: looptax is the folders pyimpl, kernels and bench."""

from looptax.bench.__main__ import main

if __name__ == "__main__":
    main()
