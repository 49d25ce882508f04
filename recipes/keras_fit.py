"""PPO on CartPole by Keras' `fit`, whose model has two heads on one torso, with its rows in the Gradients tab."""

import argparse

import gymnasium as gym
import keras
import numpy as np
import tensorflow as tf

from rl import GradientLog, rows

ENVS, LENGTH, EPOCHS, MINIBATCHES = 8, 128, 4, 4
GAMMA, LAMBDA, CLIP, MAX_NORM, LEARNING_RATE = 0.99, 0.95, 0.2, 0.5, 2.5e-4
COEFFICIENTS = {"policy": 1.0, "value": 0.5, "entropy": 0.01}


def surrogate(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The clipped surrogate loss [B]; target: action, advantage and log-probability at collection, [B, 3]."""
    action, advantage, log_prob = tf.unstack(target, axis=-1)
    advantage = (advantage - tf.reduce_mean(advantage)) / (tf.math.reduce_std(advantage) + 1e-8)
    now = tf.gather(tf.nn.log_softmax(logits), tf.cast(action, tf.int32), batch_dims=1)
    ratio = tf.exp(now - log_prob)
    return -tf.minimum(ratio * advantage, tf.clip_by_value(ratio, 1 - CLIP, 1 + CLIP) * advantage)


def half_square(target: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Half the squared error of the value [B]; both [B, 1]."""
    return 0.5 * tf.square(value - target)[:, 0]


def negative_entropy(_: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The negative entropy of the policy [B]; it needs no target."""
    return tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), -1)


LOSSES = {"policy": surrogate, "value": half_square, "entropy": negative_entropy}


def make_model() -> keras.Model:
    """A torso of two layers, and an output for each loss; those of policy and entropy are the same logits."""

    def dense(units: int, gain: float, name: str, activation: str | None = None) -> keras.layers.Dense:
        return keras.layers.Dense(units, activation, kernel_initializer=keras.initializers.Orthogonal(gain), name=name)

    observation = keras.Input((4,))
    features = dense(64, 2**0.5, "torso_0", "tanh")(observation)
    features = dense(64, 2**0.5, "torso_1", "tanh")(features)
    logits, value = dense(2, 0.01, "policy")(features), dense(1, 1.0, "value")(features)
    model = keras.Model(observation, {"policy": logits, "value": value, "entropy": logits})
    optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-5, global_clipnorm=MAX_NORM)
    model.compile(optimizer, loss=LOSSES, loss_weights=COEFFICIENTS)
    return model


class Collector:
    """Steps the environments, and turns a rollout into the inputs and targets of `fit`."""

    def __init__(self, model: keras.Model, seed: int):
        mode = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}
        self.envs = gym.make_vec("CartPole-v1", ENVS, vectorization_mode="sync", vector_kwargs=mode)
        self.observation, _ = self.envs.reset(seed=seed)
        self.random, self.returns = np.random.default_rng(seed), np.zeros(ENVS)
        self.finished, self.model = [], tf.function(model)

    def predict(self, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log π [N, 2] and value [N] at observations [N, 4]."""
        found = self.model(tf.constant(observation))
        return tf.nn.log_softmax(found["policy"]).numpy(), found["value"].numpy()[:, 0]

    def rollout(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Observations [B, 4] and the losses' targets {output: [B, …]}, B = LENGTH × ENVS."""
        self.finished = []
        steps = [self._step() for _ in range(LENGTH)]
        observation, action, log_prob, value, reward, ended = (np.stack(of) for of in zip(*steps, strict=True))
        value = np.concatenate([value, self.predict(self.observation)[1][None]])
        advantage, running = np.zeros((LENGTH, ENVS)), np.zeros(ENVS)
        for t in reversed(range(LENGTH)):
            delta = reward[t] + GAMMA * value[t + 1] * ~ended[t] - value[t]
            advantage[t] = running = delta + GAMMA * LAMBDA * ~ended[t] * running
        targets = {"policy": np.stack([action, advantage, log_prob], -1), "value": (advantage + value[:-1])[..., None]}
        targets["entropy"] = np.zeros((LENGTH, ENVS, 1))
        flat = {name: array.reshape(LENGTH * ENVS, -1).astype(np.float32) for name, array in targets.items()}
        return observation.reshape(LENGTH * ENVS, -1), flat

    def _step(self) -> tuple[np.ndarray, ...]:
        observation = self.observation
        log_policy, value = self.predict(observation)
        action = (self.random.random(ENVS) < np.exp(log_policy[:, 1])).astype(np.int64)
        self.observation, reward, terminated, truncated, infos = self.envs.step(action)
        self.returns += reward
        for k in np.flatnonzero(terminated | truncated):
            self.finished.append(self.returns[k])
            self.returns[k] = 0
            if truncated[k]:  # what would have followed belongs to the target
                reward[k] += GAMMA * self.predict(infos["final_obs"][k][None])[1][0]
        return observation, action, log_policy[np.arange(ENVS), action], value, reward, terminated | truncated


# Tapestry begins
@tf.function
def rows_of(model: keras.Model, x: tf.Tensor, y: dict[str, tf.Tensor]) -> tuple[dict, dict]:
    """({objective: loss}, {objective: its gradient on each layer of the torso})."""

    def losses():
        outputs = model(x, training=True)
        return {name: tf.reduce_mean(loss(y[name], outputs[name])) for name, loss in LOSSES.items()}

    found = rows(losses, {name: model.get_layer(name).trainable_variables for name in ("torso_0", "torso_1")})
    return found.losses, found.by_layer


# Tapestry ends


def main(folder: str, steps: int, seed: int) -> None:
    """Trains for this number of environment steps, and logs the rows on a minibatch of each rollout."""
    keras.utils.set_random_seed(seed)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    model = make_model()
    collector, size = Collector(model, seed), ENVS * LENGTH // MINIBATCHES
    # Tapestry begins
    layers, groups = ["torso_0", "torso_1"], {"actor": ["policy", "entropy"], "critic": ["value"]}
    log = GradientLog(folder, list(COEFFICIENTS), layers, coefficients=COEFFICIENTS, groups=groups)
    # Tapestry ends
    for step in range(ENVS * LENGTH, steps + 1, ENVS * LENGTH):
        x, y = collector.rollout()
        mean_return = np.mean(collector.finished) if collector.finished else np.nan
        # Tapestry begins
        places = collector.random.choice(len(x), size, replace=False)
        losses, gradients = rows_of(model, x[places], {name: target[places] for name, target in y.items()})
        log.write(step, gradients, losses=losses, scalars={"episode/return": mean_return})
        # Tapestry ends
        model.fit(x, y, batch_size=size, epochs=EPOCHS, verbose=0)
        print(f"step {step:,}: return {mean_return:.1f}", flush=True)
    log.close()  # Tapestry


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="runs/recipes/keras_fit", help="the run's directory")
    parser.add_argument("--steps", type=int, default=200_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
