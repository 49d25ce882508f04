"""PPO with a shared torso on CartPole in PyTorch, in the manner of CleanRL, with its rows in the Gradients tab."""

import argparse

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rl import GradientLog

ENVS, LENGTH, EPOCHS, MINIBATCHES = 8, 128, 4, 4
GAMMA, LAMBDA, CLIP, MAX_NORM, LEARNING_RATE = 0.99, 0.95, 0.2, 0.5, 2.5e-4
COEFFICIENTS = {"policy": 1.0, "value": 0.5, "entropy": 0.01}


def layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """A linear layer with an orthogonal kernel and a zero bias."""
    made = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


class Agent(nn.Module):
    """A torso that the policy's logits and the value share."""

    def __init__(self):
        super().__init__()
        self.torso = nn.Sequential(layer(4, 64, 2**0.5), nn.Tanh(), layer(64, 64, 2**0.5), nn.Tanh())
        self.policy, self.value = layer(64, 2, 0.01), layer(64, 1, 1.0)

    def forward(self, observation: torch.Tensor):
        """The policy and the value [...] at observations [..., 4]."""
        features = self.torso(observation)
        return torch.distributions.Categorical(logits=self.policy(features)), self.value(features).squeeze(-1)


def losses(agent: Agent, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """PPO's three losses on a minibatch, without coefficients."""
    policy, value = agent(batch["observation"])
    ratio = torch.exp(policy.log_prob(batch["action"]) - batch["log_prob"])
    advantage = (batch["advantage"] - batch["advantage"].mean()) / (batch["advantage"].std() + 1e-8)
    surrogate = torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
    return {
        "policy": -surrogate.mean(),
        "value": 0.5 * (value - batch["target"]).square().mean(),
        "entropy": -policy.entropy().mean(),
    }


class Collector:
    """Steps the environments, and turns a rollout into a batch."""

    def __init__(self, seed: int):
        mode = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}
        self.envs = gym.make_vec("CartPole-v1", ENVS, vectorization_mode="sync", vector_kwargs=mode)
        self.observation, _ = self.envs.reset(seed=seed)
        self.returns, self.finished = np.zeros(ENVS), []

    @torch.no_grad()
    def rollout(self, agent: Agent) -> dict[str, torch.Tensor]:
        """One rollout with generalised advantage estimates, flat [LENGTH × ENVS, ...]."""
        self.finished = []
        steps = [self._step(agent) for _ in range(LENGTH)]
        rollout = {key: torch.stack([step[key] for step in steps]) for key in steps[0]}
        value = torch.cat([rollout["value"], agent(torch.as_tensor(self.observation))[1][None]])
        advantage, running = torch.zeros(LENGTH, ENVS), torch.zeros(ENVS)
        for t in reversed(range(LENGTH)):
            going = 1 - rollout["ended"][t]
            delta = rollout["reward"][t] + GAMMA * value[t + 1] * going - value[t]
            advantage[t] = running = delta + GAMMA * LAMBDA * going * running
        rollout |= {"advantage": advantage, "target": advantage + value[:-1]}
        return {key: array.flatten(0, 1) for key, array in rollout.items()}

    def _step(self, agent: Agent) -> dict[str, torch.Tensor]:
        observation = torch.as_tensor(self.observation)
        policy, value = agent(observation)
        action = policy.sample()
        self.observation, reward, terminated, truncated, infos = self.envs.step(action.numpy())
        self.returns += reward
        for k in np.flatnonzero(terminated | truncated):
            self.finished.append(self.returns[k])
            self.returns[k] = 0
            if truncated[k]:  # what would have followed belongs to the target
                reward[k] += GAMMA * agent(torch.as_tensor(infos["final_obs"][k]))[1].item()
        return {
            "observation": observation,
            "action": action,
            "log_prob": policy.log_prob(action),
            "value": value,
            "reward": torch.as_tensor(reward, dtype=torch.float32),
            "ended": torch.as_tensor(terminated | truncated, dtype=torch.float32),
        }


def main(folder: str, steps: int, seed: int) -> None:
    """Trains for this number of environment steps, and logs the rows of each rollout's first minibatch."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    agent, collector = Agent(), Collector(seed)
    optimizer = torch.optim.Adam(agent.parameters(), LEARNING_RATE, eps=1e-5)
    # Tapestry begins
    shared = {f"torso/{k}": list(agent.torso[k].parameters()) for k in (0, 2)}
    groups = {"actor": ["policy", "entropy"], "critic": ["value"]}
    more = {"coefficients": COEFFICIENTS, "groups": groups, "extra_rows": ["applied"]}
    log = GradientLog(folder, list(COEFFICIENTS), list(shared), **more)
    # Tapestry ends
    for step in range(ENVS * LENGTH, steps + 1, ENVS * LENGTH):
        batch = collector.rollout(agent)
        mean_return = np.mean(collector.finished) if collector.finished else np.nan
        for epoch in range(EPOCHS):
            for k, places in enumerate(torch.randperm(ENVS * LENGTH).chunk(MINIBATCHES)):
                found = losses(agent, {key: array[places] for key, array in batch.items()})
                # Tapestry begins
                if epoch == k == 0:
                    rows = {
                        name: [torch.autograd.grad(loss, weights, retain_graph=True) for weights in shared.values()]
                        for name, loss in found.items()
                    }
                    old = [[weight.detach().clone() for weight in weights] for weights in shared.values()]
                # Tapestry ends
                optimizer.zero_grad()
                sum(COEFFICIENTS[name] * loss for name, loss in found.items()).backward()
                nn.utils.clip_grad_norm_(agent.parameters(), MAX_NORM)
                optimizer.step()
                # Tapestry begins
                if epoch == k == 0:
                    pairs = zip(shared.values(), old, strict=True)
                    rows["applied"] = [[(w - w_old).detach() for w, w_old in zip(*pair, strict=True)] for pair in pairs]
                    log.write(step, rows, losses=found, scalars={"episode/return": mean_return})
                # Tapestry ends
        print(f"step {step:,}: return {mean_return:.1f}", flush=True)
    log.close()  # Tapestry


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="runs/recipes/pytorch_ppo", help="the run's directory")
    parser.add_argument("--steps", type=int, default=200_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
