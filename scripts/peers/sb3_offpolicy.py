"""Stable-Baselines3's SAC or TD3 on a Gymnasium environment, in one process on the CPU.

Steps with random actions and the first updates come before the timed part, in which every step is followed by updates.

Example:
    python sb3_offpolicy.py --algo sac --env Pendulum-v1 --steps 5000
"""

import argparse
import importlib.metadata
import json
import time

FIRST_UPDATES = 100  # environment steps with updates before the timed part: what is compiled is compiled in them
EVALUATION_SEED = 10_000  # added to the seed for the environments of the evaluation
EVALUATION_ENVS = 8


def parse_args(description=__doc__, threads="torch threads"):
    """The settings; those of an agent are its paper's unless an option changes them."""
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--algo", choices=["sac", "td3"], default="sac")
    p.add_argument("--env", default="Pendulum-v1", help="Gymnasium environment id")
    p.add_argument("--num-envs", type=int, default=1, help="environments stepped together")
    p.add_argument("--updates-per-step", type=float, default=1.0, help="updates for every environment step")
    p.add_argument("--steps", type=int, default=5_000, help="timed environment steps of all environments together")
    p.add_argument("--warmup-steps", type=int, default=1_000, help="steps with random actions and no update, not timed")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1, help=threads)
    p.add_argument("--evaluate", type=int, default=0, metavar="EPISODES", help="greedy episodes after training")
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--buffer-size", type=int, default=1_000_000)
    p.add_argument("--lr", type=float, default=3e-4)
    p.add_argument("--gamma", type=float, default=0.99)
    p.add_argument("--tau", type=float, default=0.005)
    p.add_argument("--hidden", type=int, default=256, help="units of each of the two relu layers of every network")
    p.add_argument("--exploration-noise", type=float, default=0.1, help="TD3 only; in units of half the action's range")
    return p.parse_args()


def build(algorithm, args):
    """A model of the class `algorithm` with the library's defaults, except for the options."""
    import numpy as np
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.noise import NormalActionNoise

    venv = make_vec_env(args.env, n_envs=args.num_envs, seed=args.seed)
    options = {}
    if args.algo == "td3":
        size = venv.action_space.shape
        options["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, args.exploration_noise))
    return algorithm(
        "MlpPolicy",
        venv,
        learning_rate=args.lr,
        buffer_size=args.buffer_size,
        learning_starts=args.warmup_steps,
        batch_size=args.batch_size,
        gamma=args.gamma,
        tau=args.tau,
        train_freq=1,
        gradient_steps=max(1, round(args.updates_per_step * args.num_envs)),
        policy_kwargs={"net_arch": [args.hidden, args.hidden]},
        seed=args.seed,
        device="cpu",
        **options,
    )


def train(model, args):
    """Trains, and returns the steps, updates and seconds of the timed part."""
    model.learn(args.warmup_steps)
    # At least two rounds of updates: with an odd number of updates in a round, SBX's TD3 compiles two programs.
    model.learn(max(FIRST_UPDATES, 2 * args.num_envs), reset_num_timesteps=False)
    steps, updates = model.num_timesteps, model._n_updates
    began = time.perf_counter()
    model.learn(args.steps, reset_num_timesteps=False)
    seconds = time.perf_counter() - began
    return model.num_timesteps - steps, model._n_updates - updates, seconds


def evaluate(model, args):
    """Mean and standard deviation of the returns of greedy episodes in new environments."""
    import numpy as np
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    count = min(args.evaluate, EVALUATION_ENVS)
    venv = make_vec_env(args.env, n_envs=count, seed=args.seed + EVALUATION_SEED)
    returns, _ = evaluate_policy(
        model, venv, n_eval_episodes=args.evaluate, deterministic=True, return_episode_rewards=True
    )
    return {
        "mean": round(float(np.mean(returns)), 2),
        "std": round(float(np.std(returns)), 2),
        "episodes": len(returns),
    }


def run(package, algorithms, args):
    """Trains the algorithm of the options, one of {name: class}, and prints one JSON line."""
    import torch

    torch.set_num_threads(args.threads)
    model = build(algorithms[args.algo], args)
    steps, updates, seconds = train(model, args)
    line = {
        "library": package,
        "version": importlib.metadata.version(package),
        "algorithm": args.algo,
        "environment": args.env,
        "num_envs": args.num_envs,
        "seed": args.seed,
        "threads": args.threads,
        "steps": steps,
        "updates": updates,
        "seconds": round(seconds, 3),
        "updates_per_second": round(updates / seconds, 1),
        "steps_per_second": round(steps / seconds, 1),
    }
    if args.evaluate:
        line["evaluation"] = evaluate(model, args)
    print(json.dumps(line, allow_nan=False))


def main():
    args = parse_args()
    from stable_baselines3 import SAC, TD3

    run("stable_baselines3", {"sac": SAC, "td3": TD3}, args)


if __name__ == "__main__":
    main()
