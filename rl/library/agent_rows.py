"""The rows of an agent's objectives on its shared weights, at the current weights of a run."""

from typing import Any

from rl.commands.inspection.fresh import next_batch
from rl.errors import require
from rl.gradients import onto_live
from rl.instruments.replay import first_minibatches, rows_of
from rl.learning.state import read
from rl.library.rows import Rows, rows_from
from rl.library.watching import watched_variables


def agent_rows(run: Any) -> Rows:
    """The row of every objective that reaches the shared weights, without its coefficient.

    Args: run: a `StepwiseRun`; see `Training.rows` for the batch. Its variables do not change.
    Raises: ConfigError where no weights are shared, or there is no batch yet.
    """
    learner, variables = run.experiment.learner, run.experiment.variables
    require(
        bool(learner.shared),
        "no weights are shared (network.shared=false): there are no rows that could meet.",
    )
    require(
        learner.environment.compiled or run.basis is not None,
        f"environment {learner.environment.name} cannot take its steps back, so its rows are those of the newest "
        "iteration: train first (train(iterations=1)), or choose environment=compiled/….",
    )
    if learner.environment.compiled:
        state, trajectory = next_batch(learner, variables)
    else:
        state, trajectory = run.programs.learnt_from(run.basis)
        now = read(variables)
        state = state._replace(weights=now.weights, frozen=now.frozen, rules=now.rules)
    live = [variable for part in learner.shared for variable in variables.weights[part]]
    losses, gradients = {}, {}
    for minibatch in first_minibatches(learner, state, trajectory):
        found = rows_of(learner, minibatch)
        for name, gradient in found.gradients.items():
            own = _by_variable(learner, onto_live(gradient))
            if own:
                losses[name], gradients[name] = found.losses[name], own
    return rows_from(losses, gradients, watched_variables(live))


def _by_variable(learner: Any, gradient: Any) -> dict[str, Any]:
    """{name of a shared weight: tensor} of an objective's gradient, {part: tensors}, without parts that it lacks."""
    return {
        name: tensor
        for part in learner.shared
        if part in gradient
        for name, tensor in zip(learner.model.network.names[part], gradient[part], strict=True)
    }
