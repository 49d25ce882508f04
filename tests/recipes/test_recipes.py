"""Each recipe in its framework, for a few rollouts: what the Gradients tab would show of it."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from environments import recipes_python
from sources import Folder
from tensorboard.context import RequestContext

from rl.tensorboard.plugin import overview, views, what_if
from rl.tensorboard.plugin.source import Source

STEPS = (1024, 2048, 3072)
SIZES = (4 * 64 + 64, 64 * 64 + 64)
RECIPES = {
    "pytorch_ppo": ("torso/0", "torso/2"),
    "stable_baselines3_ppo": ("torso/0", "torso/2"),
    "jax_ppo": ("torso_0", "torso_1"),
    "keras_fit": ("torso_0", "torso_1"),
}
"""{recipe: its layers}."""
LEARNING_RATE = 2.5e-4


def run(root, python, *arguments):
    """What the program prints, run with the repository's package and one thread."""
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [str(python), *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request, root, tmp_path_factory):
    """(name, printed, the folder's runs) of one recipe."""
    name, folder = request.param, tmp_path_factory.mktemp("recipes")
    python = sys.executable if name == "keras_fit" else recipes_python(root)
    arguments = ("--folder", str(folder / name), "--steps", str(STEPS[-1]), "--seed", "1")
    return name, run(root, python, f"recipes/{name}.py", *arguments), Folder(folder)


def test_the_tab_draws_it(recipe):
    name, printed, runs = recipe
    (listing,), series = runs.listings().values(), runs.series(name)[name]
    legend = listing.legend
    assert listing.problem is None
    assert (legend.objectives, legend.layers, legend.sizes) == (("policy", "value", "entropy"), RECIPES[name], SIZES)
    assert (legend.coefficients, legend.combiner) == ((1.0, 0.5, 0.01), "sum")
    assert legend.groups == {"actor": ("policy", "entropy"), "critic": ("value",)}
    np.testing.assert_array_equal(series.steps, STEPS)
    assert (series.broken, series.left_out) == (0, 0)
    assert (np.diagonal(series.gramians, axis1=2, axis2=3) > 0).all()

    returns = Source(runs.provider).returns(RequestContext(), "", [name])[name]["episode/return"]
    said = [float(number) for number in re.findall(r": return ([\d.]+)", printed)]
    assert len(said) == len(STEPS)
    np.testing.assert_allclose(returns.values, said, atol=0.051)

    card = overview.setting({name: series}, {name: {"episode/return": returns}}, 100)
    assert card["sentence"]
    every = what_if.choices(series.steps, series.gramians, legend, "global")
    own = [one for one in views.alternatives(series, every, 0, "global")["combiners"] if one["own"]]
    assert [one["name"] for one in own] == ["sum"]


def test_the_value_dominates_and_the_first_step_descends(recipe):
    """The value's target is some 20 at the beginning and the policy's gradient passes through a head of gain 0.01.

    Adam's first step is −α g / (|g| + ε): it is no longer than α √P, and it lowers the weighted sum of the losses.
    """
    name, _, runs = recipe
    series = runs.series(name)[name]
    first, legend = series.gramians[0], series.legend
    policy, value, entropy = np.sqrt(np.diagonal(first.sum(0)))[:3]
    assert value > 10 * policy > 0
    assert value > 10 * entropy > 0
    if legend.extra_rows:
        assert legend.extra_rows == ("−applied",)
        longest = LEARNING_RATE * np.sqrt(SIZES)
        lengths = np.sqrt(first[:, 3, 3])
        assert (0.5 * longest < lengths).all()
        assert (lengths < 1.001 * longest).all()
        assert (first[:, 3, :3] @ np.array(legend.coefficients) > 0).all()
    else:
        assert name in ("stable_baselines3_ppo", "keras_fit")


def test_stable_baselines3_learns_the_same_without_the_callback(root, tmp_path):
    program = """
import sys
import torch
sys.path.insert(0, "recipes")
from stable_baselines3_ppo import Rows, make_model
models = [make_model(3).learn(2048, callback=callback) for callback in (None, Rows(sys.argv[1]))]
pairs = zip(*(model.policy.parameters() for model in models), strict=True)
print([torch.equal(one, other) for one, other in pairs])
"""
    printed = run(root, recipes_python(root), "-c", program, str(tmp_path / "run"))
    assert printed.splitlines()[-1] == str([True] * 8)


@pytest.mark.parametrize("name", RECIPES)
def test_at_most_15_lines_concern_this_package(root, name):
    lines, count, inside = (root / "recipes" / f"{name}.py").read_text().splitlines(), 0, False
    for line in lines:
        if line.strip() in ("# Tapestry begins", "# Tapestry ends"):
            inside = line.strip() == "# Tapestry begins"
        elif line.strip() and (inside or line.endswith("# Tapestry")):
            count += 1
    assert not inside
    assert 5 < count <= 15
