"""A clock that only the calls it makes move."""


class Clock:
    """A clock at 0; it counts the calls it has made that were called."""

    def __init__(self):
        self.now, self.calls = 0.0, 0

    def spinning(self, taken, slowed=lambda: 1.0):
        """Return a call that takes so many seconds, times what `slowed` says when it is called."""

        def call():
            self.calls += 1
            self.now += taken * slowed()

        return call
