"""One run by itself: no axis."""


class OneRun:
    """No axis: the identity everywhere."""

    num_runs = 1
    shape = ()

    def each(self, function):
        """The function itself."""
        return function

    def stack(self, runs):
        """The only one."""
        (run,) = runs
        return run

    def take(self, array, run, *, axis=0):
        """All of it."""
        return array

    def merge(self, x, *, axis=0):
        """Unchanged."""
        return x

    def split(self, x, *, axis=0):
        """Unchanged."""
        return x

    def spec(self, spec):
        """Unchanged."""
        return spec
