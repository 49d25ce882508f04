"""Stable-Baselines3's PPO with a shared torso on CartPole, and a callback that shows its rows in the Gradients tab."""

import argparse

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rl import GradientLog


class Torso(BaseFeaturesExtractor):
    """Two layers that policy and value share; the policy's own networks of Stable-Baselines3 are separate."""

    def __init__(self, space):
        super().__init__(space, features_dim=64)
        self.layers = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Features [B, 64] of observations [B, 4]."""
        return self.layers(observation)


def losses(model: PPO, batch) -> dict[str, torch.Tensor]:
    """The three losses of `PPO.train` on a minibatch, without coefficients."""
    value, log_prob, entropy = model.policy.evaluate_actions(batch.observations, batch.actions.long().flatten())
    advantage = (batch.advantages - batch.advantages.mean()) / (batch.advantages.std() + 1e-8)
    ratio, clip = torch.exp(log_prob - batch.old_log_prob), model.clip_range(model._current_progress_remaining)
    surrogate = torch.min(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    value_loss = nn.functional.mse_loss(batch.returns, value.flatten())
    return {"policy": -surrogate.mean(), "value": value_loss, "entropy": -entropy.mean()}


class Rows(BaseCallback):
    """Logs the rows on one minibatch of each rollout, before it is learned from."""

    def __init__(self, folder: str):
        super().__init__()
        self.folder, self.returns = folder, []

    # Tapestry begins
    def _on_training_start(self) -> None:
        layers = self.model.policy.features_extractor.layers
        self.shared = {f"torso/{k}": list(layers[k].parameters()) for k in (0, 2)}
        weights = {"policy": 1.0, "value": self.model.vf_coef, "entropy": self.model.ent_coef}
        groups = {"actor": ["policy", "entropy"], "critic": ["value"]}
        self.log = GradientLog(self.folder, list(weights), list(self.shared), coefficients=weights, groups=groups)

    def _write(self, found: dict[str, torch.Tensor], mean_return: float) -> None:
        rows = {
            name: [torch.autograd.grad(loss, weights, retain_graph=True) for weights in self.shared.values()]
            for name, loss in found.items()
        }
        self.log.write(self.num_timesteps, rows, losses=found, scalars={"episode/return": mean_return})

    # Tapestry ends

    def _on_step(self) -> bool:
        self.returns += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        return True

    def _on_rollout_end(self) -> None:
        generator = np.random.get_state()  # noqa: NPY002 - the buffer draws from it, and learning must draw the same
        batch = next(self.model.rollout_buffer.get(self.model.batch_size))
        np.random.set_state(generator)  # noqa: NPY002
        mean_return = np.mean(self.returns) if self.returns else np.nan
        self.returns = []
        self._write(losses(self.model, batch), mean_return)
        print(f"step {self.num_timesteps:,}: return {mean_return:.1f}", flush=True)

    def _on_training_end(self) -> None:
        self.log.close()  # Tapestry


def make_model(seed: int) -> PPO:
    """PPO with the settings of the other recipes."""
    torch.set_num_threads(1)
    return PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=8, seed=seed),
        policy_kwargs={"features_extractor_class": Torso, "net_arch": []},
        n_steps=128,
        batch_size=256,
        n_epochs=4,
        learning_rate=2.5e-4,
        ent_coef=0.01,
        vf_coef=0.5,
        seed=seed,
        device="cpu",
    )


def main(folder: str, steps: int, seed: int) -> None:
    """Trains for this number of environment steps."""
    make_model(seed).learn(steps, callback=Rows(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="runs/recipes/stable_baselines3_ppo", help="the run's directory")
    parser.add_argument("--steps", type=int, default=200_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
