"""What is true of a finite MDP, by linear algebra in float64: nothing is sampled.

A policy is a table π [S, A] of probabilities. Its rows in terminal states are never read, and values, visitations and
gradients are 0 there, since no action is taken. P_π and r_π are transition and reward averaged over the policy, among
the live states; steps into terminal states leave the process.
"""

import numpy as np

from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.errors import require


def state_values(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """v = (I − γ P_π)⁻¹ r_π, [S] (Sutton & Barto 2018, eq. 3.14 solved).

    Raises: ConfigError where γ = 1 and some state never comes to a terminal one.
    """
    live = mdp.live
    return _among(live, np.linalg.solve(_one_minus_discounted(mdp, policy, gamma), _reward(mdp, policy)[live]), mdp)


def action_values(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """q(s, a) = r(s, a) + γ Σ_s' P(s' | s, a) v(s'), [S, A]."""
    q = mdp.reward + gamma * mdp.transition @ state_values(mdp, policy, gamma)
    return np.where(mdp.terminal[:, None], 0.0, q)


def advantages(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """a(s, a) = q(s, a) − v(s), [S, A]."""
    return action_values(mdp, policy, gamma) - state_values(mdp, policy, gamma)[:, None]


def expected_return(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> float:
    """J = Σ_s start(s) v(s)."""
    return float(mdp.start @ state_values(mdp, policy, gamma))


def discounted_visitation(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """d_γ(s) = Σ_t γ^t Pr(s_t = s) over the steps of one episode, [S]: d_γ = (I − γ P_π^T)⁻¹ start.

    Not normalised: where nothing terminates it sums to 1 / (1 − γ), else to less. J = Σ_s d_γ(s) r_π(s).
    """
    live = mdp.live
    return _among(live, np.linalg.solve(_one_minus_discounted(mdp, policy, gamma).T, mdp.start[live]), mdp)


def policy_gradient_logits(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """∂J/∂θ(s, a) = d_γ(s) π(a | s) a(s, a), [S, A], for π = softmax of logits θ [S, A].

    The policy gradient theorem (Sutton et al. 2000, theorem 1, start-state form) for a table.
    """
    return discounted_visitation(mdp, policy, gamma)[:, None] * policy * advantages(mdp, policy, gamma)


def stationary_distribution(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """d = d P̃, Σ d = 1, [S], where P̃ continues after a terminal state with a first one.

    This is how often the states are acted on in environments that reset themselves and know no time limit.

    Raises: ConfigError where the long run depends on the first steps, and so no one distribution describes it.
    """
    chain = restarting_transition(mdp, policy)
    states = reachable(chain, mdp.start > 0)
    balance = chain[np.ix_(states, states)].T - np.eye(len(states))
    require(
        np.linalg.matrix_rank(balance) == len(states) - 1,
        "the policy has more than one recurrent class of states; its stationary distribution is not unique.",
    )
    balance[-1] = 1.0
    return _among(states, np.linalg.solve(balance, np.eye(len(states))[-1]), mdp)


def restarting_transition(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """P̃(s, s') = P_π(s, s') + P_π(s, terminal) start(s') between live states, [S, S]; 0 elsewhere."""
    averaged = _transition(mdp, policy)
    averaged[mdp.terminal] = 0.0
    ended = averaged[:, mdp.terminal].sum(1)
    averaged[:, mdp.terminal] = 0.0
    return averaged + np.outer(ended, mdp.start)


def _transition(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """P_π [S, S], terminal states' columns included."""
    require(
        policy.shape == mdp.reward.shape and np.allclose(policy[mdp.live].sum(1), 1, rtol=0, atol=1e-9),
        f"the policy has shape {policy.shape}; it must be {mdp.reward.shape}, with rows that sum to 1.",
    )
    return np.einsum("sa,sat->st", policy, mdp.transition)


def _reward(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """r_π [S]."""
    return (policy * mdp.reward).sum(1)


def _one_minus_discounted(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """I − γ P_π among the live states."""
    averaged, live = _transition(mdp, policy), mdp.live
    require(0 <= gamma <= 1, f"gamma is {gamma}; it must be between 0 and 1.")
    if gamma == 1:
        ending = reachable(averaged.T, mdp.terminal)
        require(
            len(ending) == len(averaged),
            "gamma is 1 and some state never comes to a terminal one; it must be below 1 there.",
        )
    return np.eye(len(live)) - gamma * averaged[np.ix_(live, live)]


def reachable(chain: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The states, ascending, that the chain [S, S] comes to from those where `first` [S] is true; these included."""
    found = first
    while True:
        more = found | (found @ (chain > 0))
        if (more == found).all():
            return np.flatnonzero(found)
        found = more


def _among(states: np.ndarray, values: np.ndarray, mdp: FiniteMDP) -> np.ndarray:
    """The values of these states among all, [S], the others 0."""
    everywhere = np.zeros(len(mdp.terminal))
    everywhere[states] = values
    return everywhere
