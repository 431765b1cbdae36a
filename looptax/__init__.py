"""The forward/backward step of logistic regression, from two Python loops to the edge of the machine, measured."""


def __getattr__(name: str) -> str:
    """Return the version, which is looked up when it is first asked for: that takes as long as importing NumPy."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    globals()[name] = version("looptax")
    return globals()[name]
