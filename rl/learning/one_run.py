"""The axis of a single run: no axis at all."""


class OneRun:
    """A single run, whose tensors have no axis of runs; see `Axis`. Nothing is batched, stacked or reshaped."""

    num_runs = 1
    shape = ()

    def each(self, function):
        """See `Axis.each`: the function itself, without batching."""
        return function

    def stack(self, runs):
        """See `Axis.stack`: the only run's nest."""
        (run,) = runs
        return run

    def take(self, array, run, *, axis=0):
        """See `Axis.take`: the whole array."""
        return array

    def merge(self, x, *, axis=0):
        """See `Axis.merge`: [N, ...] unchanged."""
        return x

    def split(self, x, *, axis=0):
        """See `Axis.split`: [N, ...] unchanged."""
        return x

    def spec(self, spec):
        """See `Axis.spec`: the spec unchanged."""
        return spec
