"""Stable-Baselines3 PPO or A2C on a Gymnasium environment, in one process on the CPU.

Example:
    python sb3_ppo.py --algo ppo --env CartPole-v1 --num-envs 8 --steps 100000
"""

import argparse
import json
import time

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


class SharedTorso(BaseFeaturesExtractor):
    """The whole tanh MLP as a features extractor, which is the part SB3 shares."""

    def __init__(self, observation_space, hidden=64):
        super().__init__(observation_space, features_dim=hidden)
        inputs = int(np.prod(observation_space.shape))
        self.mlp = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
        )

    def forward(self, observations):
        return self.mlp(observations)


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--algo", choices=["ppo", "a2c"], default="ppo")
    p.add_argument("--env", default="CartPole-v1", help="Gymnasium environment id")
    p.add_argument("--num-envs", type=int, default=8)
    p.add_argument("--steps", type=int, default=100_000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1, help="torch threads")
    p.add_argument("--separate", action="store_true", help="separate policy and value networks")
    p.add_argument("--num-steps", type=int, help="steps per environment and rollout (PPO 128, A2C 5)")
    p.add_argument("--epochs", type=int, default=4, help="PPO only")
    p.add_argument("--minibatches", type=int, default=4, help="PPO only")
    p.add_argument("--lr", type=float, help="initial learning rate, annealed to 0 (PPO 2.5e-4, A2C 7e-4)")
    p.add_argument("--gamma", type=float, default=0.99)
    p.add_argument("--gae-lambda", type=float, default=0.95)
    p.add_argument("--clip", type=float, default=0.2, help="PPO only")
    p.add_argument(
        "--value-clip", action="store_true", help="PPO only; SB3 clips without a maximum, which learns worse"
    )
    p.add_argument("--ent-coef", type=float, default=0.01)
    p.add_argument("--vf-coef", type=float, default=0.5)
    p.add_argument("--max-grad-norm", type=float, default=0.5)
    p.add_argument("--hidden", type=int, default=64)
    return p.parse_args()


def build(args):
    ppo = args.algo == "ppo"
    lr = args.lr or (2.5e-4 if ppo else 7e-4)
    num_steps = args.num_steps or (128 if ppo else 5)
    if args.separate:
        sizes = [args.hidden, args.hidden]
        policy_kwargs = dict(activation_fn=nn.Tanh, net_arch=dict(pi=sizes, vf=sizes))
    else:
        policy_kwargs = dict(
            features_extractor_class=SharedTorso, features_extractor_kwargs=dict(hidden=args.hidden), net_arch=[]
        )
    common = dict(
        learning_rate=lambda progress: lr * progress,
        n_steps=num_steps,
        gamma=args.gamma,
        gae_lambda=args.gae_lambda,
        ent_coef=args.ent_coef,
        # SB3's value loss has no factor 1/2, so it is put into the coefficient.
        vf_coef=0.5 * args.vf_coef,
        max_grad_norm=args.max_grad_norm,
        policy_kwargs=policy_kwargs,
        seed=args.seed,
        device="cpu",
    )
    venv = make_vec_env(args.env, n_envs=args.num_envs, seed=args.seed)
    if not ppo:
        return A2C("MlpPolicy", venv, **common)
    return PPO(
        "MlpPolicy",
        venv,
        n_epochs=args.epochs,
        batch_size=args.num_envs * num_steps // args.minibatches,
        clip_range=args.clip,
        clip_range_vf=args.clip if args.value_clip else None,
        **common,
    )


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    warm = build(args)
    warm.learn(max(2000, warm.n_steps * args.num_envs))
    warm.env.close()
    model = build(args)
    start = time.perf_counter()
    model.learn(args.steps)
    seconds = time.perf_counter() - start
    returns = [episode["r"] for episode in model.ep_info_buffer]
    print(
        json.dumps(
            dict(
                peer=f"sb3-{args.algo}",
                env=args.env,
                num_envs=args.num_envs,
                steps=model.num_timesteps,
                steps_per_second=round(model.num_timesteps / seconds),
                compile_s=0.0,
                return_mean=round(float(np.mean(returns)), 2) if returns else None,
                threads=args.threads,
                variant="separate" if args.separate else "shared",
            ),
            allow_nan=False,
        )
    )


if __name__ == "__main__":
    main()
