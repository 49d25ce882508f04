"""What is learnt, over seeds: a return that is known to be reached."""

import numpy as np

from rl.learning.seeds import Purpose, fold

NUM_SEEDS = 20


def greedy_returns(build, *overrides):
    """Mean greedy return of each seed after training, [NUM_SEEDS]; all seeds train in one program."""
    experiment = build("environment=compiled/cartpole", "probe=none", f"seeds={NUM_SEEDS}", *overrides)
    programs = experiment.programs(probe_every=1)
    left = experiment.learner.num_iterations
    while left:
        bad = programs.iterate(left).metrics["bad_update"]
        assert (bad < 0).all()
        left -= len(bad)
    seeds = [fold(seed, Purpose.EVALUATION) for seed in experiment.variables.seed.numpy()]
    return np.array([evaluation.returns.mean() for evaluation in experiment.evaluator(20, max_steps=1000).run(seeds)])


def test_the_default_settings_solve_cartpole(build):
    """CartPole-v1 counts as solved at 475 of 500 steps (Gymnasium's reward threshold)."""
    returns = greedy_returns(build, "steps=200_000")
    assert returns.shape == (NUM_SEEDS,)
    assert returns.mean() >= 475, returns
