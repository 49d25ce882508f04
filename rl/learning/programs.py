"""The compiled programs that train one or several runs, and the variables that hold their state."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.alternating import alternate, learnt
from rl.learning.chunk import Basis, Chunk
from rl.learning.collecting import collect
from rl.learning.compiling import compile_together
from rl.learning.drawing import Seen, own_windows, random_part
from rl.learning.findings import Findings
from rl.learning.host_log import MOST_ITERATIONS, by_tag, host_log, stacked
from rl.learning.learn import learn
from rl.learning.learner import Learner
from rl.learning.state import TrainState, assign, read
from rl.naming import Program


class Programs:
    """Host calls that advance the variables.

    One host call runs K iterations and is traced once for all K. With a compiled environment it is one XLA program;
    otherwise it is a graph that calls XLA programs for random numbers, learning and probes. The probes get a copy
    of the data that an iteration learnt from and cannot influence the weights. With a compiled environment they are run
    after the host call and repeat the rollout, which is cheaper than keeping every trajectory.
    """

    def __init__(
        self,
        learner: Learner,
        variables: TrainState,
        prober: Callable[[TrainState, Trajectory], Findings] | None,
        probe_every: int,
    ):
        """
        Args:
            learner, variables: of all runs.
            prober: computes the findings of one run, a pure function; None for no probes.
            probe_every: iterations between probed ones, ≥ 1; the first iteration that learns is probed.
        """
        self.learner, self.variables = learner, variables
        self._prober, self._probe_every = prober, probe_every
        self._first_probed = min(phase.starts_at for phase in learner.phases)
        self._identity = _identity(learner, variables)
        self._whole = learner.environment.compiled
        within = None if self._whole else True
        self._rollout_noise = self._program(learner.rollout_noise, compiled=within)
        self._learn = self._program(self._learn_step, compiled=within)
        self._alternate = self._program(self._alternate_step, compiled=None if self._whole else False)
        self._learnt = self._program(self._learnt_step, compiled=within)
        self._chances = self._program(self._chances_step, compiled=within)
        self._iterate = self._program(self._iterate_steps, compiled=self._whole)
        self._probe = self._program(self._probe_step, compiled=True)
        self._probe_apart = self._program(self._probe, compiled=False)
        self._learnt_from = self._program(self._basis_taken, compiled=self._whole)
        self._tags: tuple[str, ...] = ()
        self._probe_tags: tuple[str, ...] = ()
        self._rows: dict[str, tf.Tensor] = {}
        self._compiled = False

    def compile(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Traces and compiles all programs, once; no variable changes.

        Args: say: prints a message before and after; not called if everything is compiled already.
        """
        if self._compiled:
            return
        basis = self._no_basis()
        programs = {"the iteration": (self._iterate, (tf.constant(0),))}
        if not self._whole:
            # XLA programs called from a graph are compiled apart from those called eagerly.
            noise = self._program(lambda: self._rollout_noise(basis[0].seed, basis[0].iteration), compiled=False)
            programs["the learning"] = (self._program(lambda: self._learning_from(basis), compiled=False), ())
            programs["the random numbers"] = (noise, ())
        if self._prober:
            programs["the probes"] = (self._probe_apart, basis)
        compile_together(programs, say)
        self._compiled = True

    @property
    def rows(self) -> dict[str, tf.Tensor]:
        """The raw rows of the most recent probe, {objective: [P] or [S, P]}; empty before the first one."""
        return self._rows

    def recall(self, rows: Mapping[str, np.ndarray]) -> None:
        """Replaces `rows` when the programs go on with other runs: by those from a checkpoint, or {} for new runs."""
        self._rows = {objective: tf.constant(row) for objective, row in rows.items()}

    def iterate(self, count: int) -> Chunk:
        """Runs up to `count` iterations, at most 256, in one host call.

        The call ends early after an iteration with a non-finite update in some run, whose `bad_update` is then ≥ 0.
        With a compiled environment it also ends after an iteration to be probed: the probes run outside the program.
        """
        first = int(self.variables.iteration)
        count = min(count, MOST_ITERATIONS)
        start = self._first_probed + int(self.variables.begun)
        until_probe = (start - first) % self._probe_every + 1
        if self._whole and self._prober:
            count = min(count, until_probe)
        done, metrics, found, gramians, rows, basis = self._iterate(tf.constant(count))
        done = int(done)
        since = np.arange(first, first + done) - start
        probed = (since >= 0) & (since % self._probe_every == 0) & (self._prober is not None)
        if probed.any() and self._whole:
            found, gramians, rows = self._probe_apart(*basis)
        findings = np.full((*metrics.shape[:-1], len(self._probe_tags)), np.nan)[:done]
        if probed.any():
            findings[probed] = found if self._whole else found.numpy()[:done][probed]
            self._rows = rows
        places = np.flatnonzero(probed)
        of_each = {int(place): gramians.numpy() if self._whole else gramians[place].numpy() for place in places}
        metrics, findings = by_tag(self._tags, metrics.numpy()[:done]), by_tag(self._probe_tags, findings)
        return Chunk(metrics, findings, of_each, self._rows, basis)

    def learnt_from(self, basis: Basis) -> tuple[TrainState, Trajectory]:
        """The state before learning and the trajectory, of all runs; the rollout is repeated if the basis lacks it."""
        return self._learnt_from(*basis)

    @property
    def num_traces(self) -> int:
        """Total number of traces of the programs that train and probe."""
        programs = (self._iterate, self._probe, self._learn, self._alternate, self._learnt)
        return sum(program.num_traces for program in programs)

    def _iterate_steps(self, count: tf.Tensor):
        """The program of `iterate`: reads the variables, runs the iterations, assigns the variables."""
        start = read(self.variables)
        nothing = self._no_basis_of(start)
        if self.learner.alternates:
            metrics = self._alternate.traced(start).structured_outputs[1]
        else:
            metrics = self._learn.traced(start, self._no_trajectory()).structured_outputs[1]
        self._tags, (runs, *_) = tuple(metrics), [spec.shape for spec in metrics.values()]
        found, gramian, rows = self._nothing_found(nothing)
        log = host_log((*runs, len(metrics)), found.shape, gramian.shape)
        log, after, basis, rows = (self._block if self._whole else self._blocks)(count, log, start, nothing, rows)
        assign(self.variables, after)
        return log.done, log.metrics.stack(), log.findings.stack(), log.gramians.stack(), rows, basis

    def _block(self, count, log, state, basis, rows):
        """Runs iterations until `log.done` is `count` or one is bad; returns the basis of the last one."""

        def unfinished(log, *_):
            return (log.done < count) & ~log.bad

        def iteration(log, state, *_):
            if self.learner.alternates:
                after, metrics, seen = self._alternate(state)
                basis = tuple(seen)
            else:
                before, trajectory = collect(self.learner, state, self._rollout_noise(state.seed, state.iteration))
                after, metrics = self._learn(before, trajectory)
                basis = (state,) if self._whole else (before, trajectory)
            bad = tf.reduce_any(metrics["bad_update"] >= 0)
            written = log.metrics.write(log.done, stacked(metrics))
            log = log._replace(done=log.done + 1, bad=bad, metrics=written)
            return log, after, basis

        carry = (log, state, basis)
        return *tf.while_loop(unfinished, iteration, carry, parallel_iterations=1), rows

    def _blocks(self, count, log, state, basis, rows):
        """`_block`, interrupted after each iteration to be probed to run the probes within the graph."""
        if not self._prober:
            return self._block(count, log, state, basis, rows)

        def unfinished(log, *_):
            return (log.done < count) & ~log.bad

        nothing = self._nothing_found(basis)[:2]

        def block(log, state, basis, rows):
            since = state.iteration - state.begun - self._first_probed
            due = log.done + 1 + tf.cast(-since % self._probe_every, tf.int32)
            log, state, basis, rows = self._block(tf.minimum(due, count), log, state, basis, rows)
            found, gramian, rows = tf.cond(
                tf.equal(log.done, due), lambda: self._probe(*basis), lambda: (*nothing, rows)
            )
            place = log.done - 1
            written = {"findings": log.findings.write(place, found), "gramians": log.gramians.write(place, gramian)}
            return log._replace(**written), state, basis, rows

        carry = (log, state, basis, rows)
        return tf.while_loop(unfinished, block, carry, parallel_iterations=1)

    def _nothing_found(self, basis: Basis) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """Zeros in the shapes of the probes' results within the graph; empty if no probes run there."""
        if self._prober is None or self._whole:
            return tf.zeros(0), tf.zeros(0, tf.float64), {}
        shapes = self._probe.traced(*basis).structured_outputs
        return tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), shapes)

    def _learn_step(self, state: TrainState, trajectory: Trajectory):
        """`learn` as a program."""
        return learn(self.learner, state, trajectory)

    def _learning_from(self, basis: Basis):
        """The learning from a basis, by the program of it."""
        if not self.learner.alternates:
            return self._learn(*basis)
        state, windows = basis
        return self._learnt(state, own_windows(self.learner, windows), tf.constant(0))

    def _learnt_step(self, state: TrainState, windows: Trajectory, number: tf.Tensor):
        """`learnt` as a program."""
        return learnt(self.learner, state, windows, number)

    def _alternate_step(self, state: TrainState) -> tuple[TrainState, dict[str, tf.Tensor], Seen]:
        """`alternate` as a program."""
        noise = self._rollout_noise(state.seed, state.iteration)
        programs = {"learnt": lambda _, *arguments: self._learnt(*arguments), "chances": self._chances}
        return alternate(self.learner, state, noise, **programs)

    def _chances_step(self, *numbers: tf.Tensor):
        """`random_part` as a program."""
        return random_part(self.learner, *numbers)

    def _probe_step(self, *basis) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """The program of the probes: numbers [..., F] in the order of `_probe_tags`, Gramians and raw rows."""
        numbers, gramian, rows = self.learner.axis.each(self._prober)(*self._basis_taken(*basis))
        self._probe_tags = tuple(numbers)
        return stacked(numbers), gramian, rows

    def _basis_taken(self, state: TrainState, *trajectory: Trajectory) -> tuple[TrainState, Trajectory]:
        """The program of `learnt_from`: the same random numbers give the same rollout."""
        return (
            (state, *trajectory)
            if trajectory
            else collect(self.learner, state, self._rollout_noise(state.seed, state.iteration))
        )

    def _program(self, python: Callable, *, compiled: bool | None) -> Program:
        """A program with the identity of these programs; see `Program`."""
        return Program(python, compiled=compiled, identity=self._identity)

    def _no_basis(self) -> Basis:
        """A basis of the right shapes, for tracing: the current state and a trajectory of zeros."""
        return self._no_basis_of(read(self.variables))

    def _no_basis_of(self, state: TrainState) -> Basis:
        """`_no_basis` with the state given."""
        if self.learner.alternates:
            windows = self._alternate.traced(state).structured_outputs[2].windows
            return state._replace(sources={}), tf.nest.map_structure(lambda x: tf.zeros(x.shape, x.dtype), windows)
        return (state,) if self._whole else (state, self._no_trajectory())

    def _no_trajectory(self) -> Trajectory:
        """A trajectory of zeros, of all runs."""
        specs = tf.nest.map_structure(self.learner.axis.spec, self.learner.trajectory_spec())
        return tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), specs)


def _identity(learner: Learner, variables: TrainState) -> tuple:
    """What distinguishes these programs from others, without the hyperparameters that are their inputs."""
    parts = (learner.agent, learner.model.distribution, learner.environment, learner.normalizer)
    parts += (*learner.schedules.values(), learner.combiner, learner.optimizer)
    counts = tuple((phase.name, phase.source) for phase in learner.phases)
    shapes = tuple(tuple(x.shape) for x in tf.nest.flatten(variables))
    return tuple(type(part).__qualname__ for part in parts), learner.agent.rollout_length, counts, shapes
