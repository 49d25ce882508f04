"""Exact solutions of a finite MDP by linear algebra in float64, without sampling.

A policy is a table π [S, A] of probabilities. Its rows in terminal states are never read; values, visitations and
gradients are 0 there, since no action is taken. Live states are the non-terminal ones; γ is in [0, 1]. Transition and
reward under the policy, restricted to the live states, are

    P_π(s, s') = Σ_a π(a | s) P(s' | s, a),  r_π(s) = Σ_a π(a | s) r(s, a)
"""

import numpy as np

from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.errors import require


def state_values(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """The state values v = (I − γ P_π)⁻¹ r_π, [S], which solve the Bellman equation (Sutton & Barto 2018, eq. 3.14).

    Raises: ConfigError if γ = 1 and no terminal state is reachable from some state.
    """
    live = mdp.live
    return _embedded(live, np.linalg.solve(_one_minus_discounted(mdp, policy, gamma), _reward(mdp, policy)[live]), mdp)


def action_values(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """The action values q(s, a) = r(s, a) + γ Σ_s' P(s' | s, a) v(s'), [S, A]; raises like `state_values`."""
    q = mdp.reward + gamma * mdp.transition @ state_values(mdp, policy, gamma)
    return np.where(mdp.terminal[:, None], 0.0, q)


def advantages(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """The advantages q(s, a) − v(s), [S, A]; their mean under π is 0 in every state."""
    return action_values(mdp, policy, gamma) - state_values(mdp, policy, gamma)[:, None]


def expected_return(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> float:
    """The expected discounted return of an episode, J = Σ_s start(s) v(s)."""
    return float(mdp.start @ state_values(mdp, policy, gamma))


def discounted_visitation(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """The discounted state visitation d_γ(s) = Σ_t γ^t Pr(s_t = s) over one episode, [S].

    d_γ = (I − γ P_π^T)⁻¹ start,  J = Σ_s d_γ(s) r_π(s)

    It is not normalised: its sum is 1/(1 − γ) if no episode terminates, and less otherwise.
    """
    live = mdp.live
    return _embedded(live, np.linalg.solve(_one_minus_discounted(mdp, policy, gamma).T, mdp.start[live]), mdp)


def policy_gradient_logits(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """The gradient of J with respect to the logits θ [S, A] of a softmax policy.

    ∂J/∂θ(s, a) = d_γ(s) π(a | s) [q(s, a) − v(s)], [S, A]    (Sutton et al. 2000, theorem 1, start-state form)
    """
    return discounted_visitation(mdp, policy, gamma)[:, None] * policy * advantages(mdp, policy, gamma)


def stationary_distribution(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """The stationary distribution d = d P̃, Σ_s d(s) = 1, [S], with P̃ of `restarting_transition`.

    d(s) is the long-run fraction of steps that are taken in state s, by environments that reset themselves and have no
    time limit.

    Raises: ConfigError if it is not unique, since there is more than one recurrent class of states.
    """
    chain = restarting_transition(mdp, policy)
    states = reachable(chain, mdp.start > 0)
    balance = chain[np.ix_(states, states)].T - np.eye(len(states))
    require(
        np.linalg.matrix_rank(balance) == len(states) - 1,
        "the policy has more than one recurrent class of states; its stationary distribution is not unique.",
    )
    balance[-1] = 1.0
    return _embedded(states, np.linalg.solve(balance, np.eye(len(states))[-1]), mdp)


def restarting_transition(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """The transition matrix of a process that restarts when an episode terminates, [S, S].

    P̃(s, s') = P_π(s, s') + Pr_π(terminal | s) start(s') between live states, 0 elsewhere
    """
    averaged = _transition(mdp, policy)
    averaged[mdp.terminal] = 0.0
    ended = averaged[:, mdp.terminal].sum(1)
    averaged[:, mdp.terminal] = 0.0
    return averaged + np.outer(ended, mdp.start)


def _transition(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """P_π including the columns of terminal states, [S, S].

    Raises: ConfigError if the policy has a wrong shape or a row of a live state does not sum to 1.
    """
    require(
        policy.shape == mdp.reward.shape and np.allclose(policy[mdp.live].sum(1), 1, rtol=0, atol=1e-9),
        f"the policy has shape {policy.shape}; it must be {mdp.reward.shape}, with rows that sum to 1.",
    )
    return np.einsum("sa,sat->st", policy, mdp.transition)


def _reward(mdp: FiniteMDP, policy: np.ndarray) -> np.ndarray:
    """r_π, [S]."""
    return (policy * mdp.reward).sum(1)


def _one_minus_discounted(mdp: FiniteMDP, policy: np.ndarray, gamma: float) -> np.ndarray:
    """I − γ P_π on the live states; ConfigError if γ is outside [0, 1] or the matrix would be singular."""
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
    """The states that a Markov chain can reach from a set of first states, including these.

    Args: chain: [S, S], transition probabilities; first: [S] bool, the first states.
    Returns: the indices of the states, ascending.
    """
    found = first
    while True:
        more = found | (found @ (chain > 0))
        if (more == found).all():
            return np.flatnonzero(found)
        found = more


def _embedded(states: np.ndarray, values: np.ndarray, mdp: FiniteMDP) -> np.ndarray:
    """An array [S] with the given values at the given states and 0 elsewhere."""
    everywhere = np.zeros(len(mdp.terminal))
    everywhere[states] = values
    return everywhere
