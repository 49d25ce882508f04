"""PPO as one compiled JAX program: rollouts and updates inside a single jit.

Example:
    python jax_ppo.py --env CartPole-v1 --num-envs 8 --steps 500000
"""

import argparse
import json
import os
import time


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--env", default="CartPole-v1", help="gymnax environment id")
    p.add_argument("--num-envs", type=int, default=8)
    p.add_argument("--steps", type=int, default=500_000, help="environment steps of each seed")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--seeds", type=int, default=1, help="train this many seeds at once with vmap")
    p.add_argument("--threads", type=int, default=2, help="size of XLA's thread pool")
    p.add_argument("--separate", action="store_true", help="separate policy and value networks")
    p.add_argument(
        "--surgery",
        choices=["none", "pcgrad"],
        default="none",
        help="pcgrad: one gradient per objective, conflicts in the torso projected out",
    )
    p.add_argument(
        "--no-bootstrap", action="store_true", help="treat a time limit as a terminal state (as PureJaxRL does)"
    )
    p.add_argument("--num-steps", type=int, default=128, help="steps per environment and rollout")
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--minibatches", type=int, default=4)
    p.add_argument("--lr", type=float, default=2.5e-4, help="initial learning rate, annealed to 0")
    p.add_argument("--gamma", type=float, default=0.99)
    p.add_argument("--gae-lambda", type=float, default=0.95)
    p.add_argument("--clip", type=float, default=0.2)
    p.add_argument("--no-value-clip", action="store_true")
    p.add_argument("--ent-coef", type=float, default=0.01)
    p.add_argument("--vf-coef", type=float, default=0.5)
    p.add_argument("--max-grad-norm", type=float, default=0.5)
    p.add_argument("--hidden", type=int, default=64)
    args = p.parse_args()
    if args.separate and args.surgery != "none":
        p.error("gradient surgery needs the shared torso")
    return args


def configure_xla(threads):
    """Must run before jax is imported."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["NPROC"] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"


def make_trainer(cfg):
    """Returns init(key), train(params, key) and the number of steps that train takes."""
    import flax.linen as nn
    import gymnax
    import jax
    import jax.numpy as jnp
    import optax

    env, env_params = gymnax.make(cfg.env)
    space = env.action_space(env_params)
    discrete = hasattr(space, "n")
    actions = int(space.n) if discrete else int(space.shape[0])
    T, N = cfg.num_steps, cfg.num_envs
    batch_size = T * N
    num_updates = max(1, cfg.steps // batch_size)

    def dense(features, gain, name):
        return nn.Dense(features, kernel_init=nn.initializers.orthogonal(gain), name=name)

    class ActorCritic(nn.Module):
        """Two tanh layers, then a linear policy head and a linear value head."""

        @nn.compact
        def __call__(self, obs):
            def mlp(x, name):
                for i in range(2):
                    x = jnp.tanh(dense(cfg.hidden, 2**0.5, f"{name}_{i}")(x))
                return x

            h = mlp(obs, "torso")
            policy = dense(actions, 0.01, "policy")(h)
            if not discrete:
                log_std = self.param("log_std", nn.initializers.zeros, (actions,))
                policy = (policy, jnp.broadcast_to(log_std, policy.shape))
            if cfg.separate:
                h = mlp(obs, "value_torso")
            return policy, dense(1, 1.0, "value")(h)[..., 0]

    net = ActorCritic()

    if discrete:

        def noise(key, shape):
            return jax.random.gumbel(key, (*shape, actions))

        def sample(logits, noise):
            return jnp.argmax(logits + noise, axis=-1)

        def to_env(action):
            return action

        def log_prob_and_entropy(logits, action):
            log_p = jax.nn.log_softmax(logits)
            chosen = action[..., None] == jnp.arange(actions)
            return jnp.sum(jnp.where(chosen, log_p, 0.0), -1), -jnp.sum(jnp.exp(log_p) * log_p, -1)
    else:

        def noise(key, shape):
            return jax.random.normal(key, (*shape, actions))

        def sample(policy, noise):
            mean, log_std = policy
            return mean + jnp.exp(log_std) * noise

        def to_env(action):
            action = jnp.clip(action, space.low, space.high)
            return action[..., 0] if actions == 1 else action

        def log_prob_and_entropy(policy, action):
            mean, log_std = policy
            z = (action - mean) * jnp.exp(-log_std)
            log_p = -0.5 * z**2 - log_std - 0.5 * jnp.log(2 * jnp.pi)
            return log_p.sum(-1), (log_std + 0.5 * jnp.log(2 * jnp.pi * jnp.e)).sum(-1)

    def learning_rate(count):
        return cfg.lr * (1.0 - (count // (cfg.epochs * cfg.minibatches)) / num_updates)

    optimizer = optax.flatten(
        optax.chain(optax.clip_by_global_norm(cfg.max_grad_norm), optax.adam(learning_rate, eps=1e-5))
    )

    def step_env(key, state, action, fresh_obs, fresh_state):
        """One step, with the automatic reset to a state that was drawn beforehand."""
        obs, state, reward, terminated, _ = env.step_env(key, state, action, env_params)
        done = terminated | env.is_truncated(state, env_params)
        next_state = jax.tree.map(lambda new, old: jnp.where(done, new.reshape(old.shape), old), fresh_state, state)
        next_obs = jnp.where(done, fresh_obs, obs)
        return next_obs.ravel(), next_state, reward, terminated, done, obs.ravel()

    def rollout(params, state, obs, running, key):
        """T steps of N environments; the randomness is drawn in one go before the loop."""
        k_noise, k_step, k_reset = jax.random.split(key, 3)
        reset = jax.vmap(jax.vmap(env.reset_env, (0, None)), (0, None))
        xs = (
            noise(k_noise, (T, N)),
            jax.random.split(k_step, (T, N)),
            *reset(jax.random.split(k_reset, (T, N)), env_params),
        )

        def body(carry, x):
            state, obs, running = carry
            noise_t, keys, fresh_obs, fresh_state = x
            policy, value = net.apply(params, obs)
            action = sample(policy, noise_t)
            next_obs, state, reward, terminated, done, last_obs = jax.vmap(step_env)(
                keys, state, to_env(action), fresh_obs, fresh_state
            )
            running = running + reward
            out = dict(
                obs=obs,
                policy=policy,
                value=value,
                action=action,
                reward=reward,
                terminated=terminated,
                done=done,
                last_obs=last_obs,
                finished=jnp.where(done, running, 0.0),
            )
            return (state, next_obs, jnp.where(done, 0.0, running)), out

        return jax.lax.scan(body, (state, obs, running), xs)

    def advantages(params, traj, values, obs):
        bootstrap = jnp.concatenate([values[1:], net.apply(params, obs)[1][None]])
        if cfg.no_bootstrap:
            bootstrap = jnp.where(traj["done"], 0.0, bootstrap)
        else:
            truncated = traj["done"] & ~traj["terminated"]
            at_limit = jax.lax.cond(
                truncated.any(), lambda: net.apply(params, traj["last_obs"])[1], lambda: jnp.zeros((T, N))
            )
            bootstrap = jnp.where(truncated, at_limit, jnp.where(traj["done"], 0.0, bootstrap))
        delta = traj["reward"] + cfg.gamma * bootstrap - values
        decay = cfg.gamma * cfg.gae_lambda * (1.0 - traj["done"])

        def body(acc, x):
            acc = x[0] + x[1] * acc
            return acc, acc

        return jax.lax.scan(body, jnp.zeros(N), (delta, decay), reverse=True, unroll=16)[1]

    def losses(params, b):
        policy, value = net.apply(params, b["obs"])
        log_p, entropy = log_prob_and_entropy(policy, b["action"])
        adv = (b["advantage"] - b["advantage"].mean()) / (b["advantage"].std() + 1e-8)
        ratio = jnp.exp(log_p - b["log_p"])
        surrogate = jnp.minimum(ratio * adv, jnp.clip(ratio, 1 - cfg.clip, 1 + cfg.clip) * adv)
        error = jnp.square(value - b["target"])
        if not cfg.no_value_clip:
            clipped = b["value"] + jnp.clip(value - b["value"], -cfg.clip, cfg.clip)
            error = jnp.maximum(error, jnp.square(clipped - b["target"]))
        return -surrogate.mean() - cfg.ent_coef * entropy.mean(), cfg.vf_coef * 0.5 * error.mean()

    def gradient(params, b):
        if cfg.surgery == "none":
            return jax.grad(lambda p: sum(losses(p, b)))(params)
        g, h = (jax.grad(lambda p: losses(p, b)[i])(params)["params"] for i in (0, 1))

        def dot(x, y):
            return sum(
                jnp.vdot(u, v) for name in torso for u, v in zip(jax.tree.leaves(x[name]), jax.tree.leaves(y[name]))
            )

        # Each gradient loses its component against the other one; both use the originals.
        torso = [name for name in g if name.startswith("torso")]
        conflict = jnp.minimum(dot(g, h), 0.0)
        scale_g = 1.0 - conflict / (dot(g, g) + 1e-12)
        scale_h = 1.0 - conflict / (dot(h, h) + 1e-12)
        return {
            "params": {
                name: jax.tree.map(lambda x, y: scale_g * x + scale_h * y, g[name], h[name])
                if name in torso
                else jax.tree.map(jnp.add, g[name], h[name])
                for name in g
            }
        }

    def update(carry, key):
        params, opt_state, state, obs, running = carry
        k_rollout, k_shuffle = jax.random.split(key)
        (state, obs, running), traj = rollout(params, state, obs, running, k_rollout)
        # With a shared torso the values came with the policy; a separate value network is
        # cheaper in one batch, and the compiler then drops it from the loop.
        values = net.apply(params, traj["obs"])[1] if cfg.separate else traj["value"]
        adv = advantages(params, traj, values, obs)
        data = dict(
            obs=traj["obs"],
            action=traj["action"],
            value=values,
            advantage=adv,
            target=adv + values,
            log_p=log_prob_and_entropy(traj["policy"], traj["action"])[0],
        )
        data = jax.tree.map(lambda x: x.reshape(batch_size, *x.shape[2:]), data)

        def minibatch(carry, index):
            params, opt_state = carry
            b = jax.tree.map(lambda x: x.at[index].get(mode="promise_in_bounds", unique_indices=True), data)
            updates, opt_state = optimizer.update(gradient(params, b), opt_state, params)
            return (optax.apply_updates(params, updates), opt_state), None

        shuffle = jax.vmap(lambda k: jax.random.permutation(k, batch_size))
        order = shuffle(jax.random.split(k_shuffle, cfg.epochs)).reshape(cfg.epochs * cfg.minibatches, -1)
        (params, opt_state), _ = jax.lax.scan(minibatch, (params, opt_state), order)
        return (params, opt_state, state, obs, running), (traj["finished"].sum(), traj["done"].sum())

    def init(key):
        return net.init(key, env.reset(key, env_params)[0].ravel())

    def train(params, key):
        k_reset, k_run = jax.random.split(key)
        obs, state = jax.vmap(env.reset_env, (0, None))(jax.random.split(k_reset, N), env_params)
        # A step may return other dtypes or shapes than a reset (an int32 time, a length-1 torque).
        like = jax.eval_shape(
            env.step_env,
            key,
            jax.tree.map(lambda x: x[0], state),
            to_env(jnp.zeros(() if discrete else (actions,), int if discrete else float)),
            env_params,
        )[1]
        state = jax.tree.map(lambda x, s: jnp.asarray(x, s.dtype).reshape(N, *s.shape), state, like)
        carry = (params, optimizer.init(params), state, obs.reshape(N, -1), jnp.zeros(N))
        return jax.lax.scan(update, carry, jax.random.split(k_run, num_updates))[1]

    return init, train, num_updates * batch_size


def main():
    cfg = parse_args()
    configure_xla(cfg.threads)
    import jax
    import numpy as np

    init, train, steps = make_trainer(cfg)
    key = jax.random.key(cfg.seed)
    if cfg.seeds == 1:
        k_init, k_train = jax.random.split(key)
        arguments = jax.jit(init)(k_init), k_train
    else:
        # The initial weights are made one seed at a time: a vmapped orthogonal
        # initializer can hang XLA's small CPU thread pool.
        k_init, k_train = jax.random.split(key, (2, cfg.seeds))
        weights = [jax.jit(init)(k) for k in k_init]
        arguments = jax.tree.map(lambda *x: np.stack(x), *weights), k_train
        train = jax.vmap(train)

    start = time.perf_counter()
    program = jax.jit(train).lower(*arguments).compile()
    compile_s = time.perf_counter() - start
    start = time.perf_counter()
    finished, episodes = jax.block_until_ready(program(*arguments))
    seconds = time.perf_counter() - start

    # Mean return of the episodes that ended in the last 5 % of the updates.
    finished, episodes = np.asarray(finished), np.asarray(episodes)
    last = max(1, finished.shape[-1] // 20)
    ended = episodes[..., -last:].sum()
    variant = "separate" if cfg.separate else "shared"
    if cfg.surgery != "none":
        variant += f"+{cfg.surgery}"
    if cfg.seeds > 1:
        variant += f"+seeds{cfg.seeds}"
    print(
        json.dumps(
            dict(
                peer="jax-ppo",
                env=cfg.env,
                num_envs=cfg.num_envs,
                steps=steps * cfg.seeds,
                steps_per_second=round(steps * cfg.seeds / seconds),
                compile_s=round(compile_s, 2),
                return_mean=round(float(finished[..., -last:].sum() / ended), 2) if ended else None,
                threads=cfg.threads,
                variant=variant,
            ),
            allow_nan=False,
        )
    )


if __name__ == "__main__":
    main()
