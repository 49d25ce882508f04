"""PPO with a shared torso on CartPole in JAX, in the manner of PureJaxRL, with its rows in the Gradients tab."""

import argparse
import functools
from typing import NamedTuple

import flax.linen as nn
import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.linen.initializers import orthogonal

from rl import GradientLog

ENVS, LENGTH, EPOCHS, MINIBATCHES = 8, 128, 4, 4
GAMMA, LAMBDA, CLIP, MAX_NORM, LEARNING_RATE = 0.99, 0.95, 0.2, 0.5, 2.5e-4
COEFFICIENTS = {"policy": 1.0, "value": 0.5, "entropy": 0.01}

environment, settings = gymnax.make("CartPole-v1")
optimizer = optax.chain(optax.clip_by_global_norm(MAX_NORM), optax.adam(LEARNING_RATE, eps=1e-5))


class Network(nn.Module):
    """A torso that the policy's logits and the value share."""

    @nn.compact
    def __call__(self, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Logits [..., 2] and value [...] at observations [..., 4]."""
        features = nn.tanh(nn.Dense(64, kernel_init=orthogonal(2**0.5), name="torso_0")(observation))
        features = nn.tanh(nn.Dense(64, kernel_init=orthogonal(2**0.5), name="torso_1")(features))
        logits = nn.Dense(2, kernel_init=orthogonal(0.01), name="policy")(features)
        return logits, nn.Dense(1, kernel_init=orthogonal(1.0), name="value")(features)[..., 0]


class Batch(NamedTuple):
    """Transitions with what learning needs, [..., ] each; ended: terminated or truncated; total: return so far."""

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    ended: jax.Array
    total: jax.Array
    advantage: jax.Array | None = None


network = Network()


def losses(params, batch: Batch) -> dict[str, jax.Array]:
    """PPO's three losses on a minibatch, without coefficients."""
    logits, value = network.apply(params, batch.observation)
    log_policy = jax.nn.log_softmax(logits)
    ratio = jnp.exp(jnp.take_along_axis(log_policy, batch.action[:, None], 1)[:, 0] - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage)
    return {
        "policy": -surrogate.mean(),
        "value": 0.5 * jnp.square(value - batch.advantage - batch.value).mean(),
        "entropy": (jnp.exp(log_policy) * log_policy).sum(-1).mean(),
    }


def act(params, carry, key):
    """One step of every environment; a truncated step's reward includes the value of its final observation."""
    state, observation, total = carry
    logits, value = network.apply(params, observation)
    key_action, key_step = jax.random.split(key)
    action = jax.random.categorical(key_action, logits)
    log_prob = jnp.take_along_axis(jax.nn.log_softmax(logits), action[:, None], 1)[:, 0]
    step = jax.vmap(environment.step, (0, 0, 0, None))
    after, state, reward, terminated, truncated, info = step(jax.random.split(key_step, ENVS), state, action, settings)
    total, ended = total + reward, terminated | truncated
    follows = GAMMA * network.apply(params, info["final_observation"])[1]
    reward += jnp.where(truncated & ~terminated, follows, 0.0)
    made = Batch(observation, action, log_prob, value, reward, ended, total)
    return (state, after, jnp.where(ended, 0.0, total)), made


def advantages(rollout: Batch, last_value: jax.Array) -> jax.Array:
    """Generalised advantage estimates [T, N]."""

    def back(carry, step: Batch):
        running, following = carry
        going = 1.0 - step.ended
        running = step.reward + GAMMA * following * going - step.value + GAMMA * LAMBDA * going * running
        return (running, step.value), running

    return jax.lax.scan(back, (jnp.zeros_like(last_value), last_value), rollout, reverse=True)[1]


def learn(state, batch: Batch):
    """One step of the optimizer on the weighted sum of the losses; returns also the step."""
    params, slots = state
    total = lambda params: sum(COEFFICIENTS[name] * loss for name, loss in losses(params, batch).items())  # noqa: E731
    updates, slots = optimizer.update(jax.grad(total)(params), slots, params)
    return (optax.apply_updates(params, updates), slots), updates


@jax.jit
def iteration(state, carry, key):
    """A rollout and the updates made from it; returns also the first minibatch's losses and rows, and the rollout."""
    key_act, *keys = jax.random.split(key, 1 + EPOCHS)
    params = state[0]
    carry, rollout = jax.lax.scan(functools.partial(act, params), carry, jax.random.split(key_act, LENGTH))
    rollout = rollout._replace(advantage=advantages(rollout, network.apply(params, carry[1])[1]))
    flat = jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), rollout)
    places = jnp.concatenate([jax.random.permutation(one, ENVS * LENGTH) for one in keys])
    minibatches = jax.tree.map(lambda array: array[places.reshape(EPOCHS * MINIBATCHES, -1)], flat)
    first = jax.tree.map(lambda array: array[0], minibatches)
    state, updates = jax.lax.scan(learn, state, minibatches)
    # Tapestry begins
    found, rows = losses(params, first), jax.jacrev(losses)(params, first)  # {objective: its gradient}
    rows["applied"] = jax.tree.map(lambda array: array[0], updates)  # the step that the first minibatch has made
    # Tapestry ends
    return state, carry, found, rows, rollout


def main(folder: str, steps: int, seed: int) -> None:
    """Trains for this number of environment steps, and logs the rows of each rollout's first minibatch."""
    key, key_params, key_reset = jax.random.split(jax.random.key(seed), 3)
    params = network.init(key_params, jnp.zeros(4))
    observation, envs = jax.vmap(environment.reset, (0, None))(jax.random.split(key_reset, ENVS), settings)
    state, carry = (params, optimizer.init(params)), (envs, observation, jnp.zeros(ENVS))
    # Tapestry begins
    layers, groups = ["torso_0", "torso_1"], {"actor": ["policy", "entropy"], "critic": ["value"]}
    more = {"coefficients": COEFFICIENTS, "groups": groups, "extra_rows": ["applied"]}
    log = GradientLog(folder, list(COEFFICIENTS), layers, **more)
    # Tapestry ends
    for step in range(ENVS * LENGTH, steps + 1, ENVS * LENGTH):
        key, key_now = jax.random.split(key)
        state, carry, found, rows, rollout = iteration(state, carry, key_now)
        returns = np.asarray(rollout.total)[np.asarray(rollout.ended)]
        mean_return = returns.mean() if len(returns) else np.nan
        # Tapestry begins
        rows = {name: gradient["params"] for name, gradient in rows.items()}
        log.write(step, rows, losses=found, scalars={"episode/return": mean_return})
        # Tapestry ends
        print(f"step {step:,}: return {mean_return:.1f}", flush=True)
    log.close()  # Tapestry


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="runs/recipes/jax_ppo", help="the run's directory")
    parser.add_argument("--steps", type=int, default=200_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
