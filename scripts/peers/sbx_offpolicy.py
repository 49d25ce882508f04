"""SBX's SAC or TD3 (Stable-Baselines3's interface, updates compiled by JAX) on a Gymnasium environment, on the CPU.

The options and the JSON line are those of sb3_offpolicy.py; compilation comes before the timed part.

Example:
    python sbx_offpolicy.py --algo td3 --env Pendulum-v1 --steps 5000
"""

import os

from sb3_offpolicy import parse_args, run


def configure_xla(threads):
    """Sets the size of XLA's thread pool; must run before jax is imported."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["NPROC"] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"


def main():
    args = parse_args(__doc__, threads="size of XLA's thread pool, and torch threads of the replay buffer")
    configure_xla(args.threads)
    from sbx import SAC, TD3

    run("sbx-rl", {"sac": SAC, "td3": TD3}, args)


if __name__ == "__main__":
    main()
