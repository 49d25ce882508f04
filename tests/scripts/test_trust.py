"""A run directory may come from anywhere: its config calls and imports nothing that its reader does not trust."""

import sys

import inside
import pytest
from omegaconf import OmegaConf

from rl.commands.composition import build
from rl.commands.parts import Maker
from rl.commands.restoring import load_config
from rl.errors import ConfigError

ELSEWHERE = [
    ("optimizer", {"_target_": "pathlib.Path.unlink", "self": "precious"}),
    ("optimizer", {"_target_": "builtins.open", "file": "precious", "mode": "w"}),
    ("optimizer", {"_target_": "numpy.load", "file": "pickle.npy", "allow_pickle": True}),
    ("agent.bootstrap", {"_target_": "tensorflow.io.gfile.rmtree", "path": "."}),
    ("network.torso", {"_target_": "os.system", "command": "touch precious"}),
    # Through this package's own modules, and its functions that are not made from a config.
    ("optimizer", {"_target_": "rl.runs.checkpoints.os.unlink", "path": "precious"}),
    ("optimizer", {"_target_": "rl.runs.provenance.subprocess.run", "args": "true"}),
    ("optimizer", {"_target_": "rl.tensorboard.event_files.keep_until", "folder": ".", "step": 0}),
    ("combiner", {"_target_": "rl.errors.require", "condition": True, "message": ""}),
]


@pytest.mark.parametrize(("path", "node"), ELSEWHERE)
def test_code_of_others_is_named_and_not_called(compose, tmp_path, monkeypatch, path, node):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").write_text("kept")
    config = compose()
    OmegaConf.set_struct(config, False)
    OmegaConf.update(config, path, node, merge=False)
    with pytest.raises(ConfigError, match=rf"{path}\._target_ is '{node['_target_']}'"):
        build(config, trusted=())
    assert (tmp_path / "precious").read_text() == "kept"
    assert [file.name for file in tmp_path.iterdir()] == ["precious"]


def test_every_config_of_this_package_is_trusted(compose):
    """Also the nodes within others: what training takes, evaluating must take."""
    for overrides in ([], ["agent/bootstrap=tdc", "frozen=target_polyak"], ["combiner=cagrad", "optimizer=rmsprop"]):
        assert build(compose(*overrides), trusted=()).learner.num_iterations > 0


MODULE = """
from pathlib import Path
Path("imported").touch()
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv
gymnasium.register("Theirs-v0", CartPoleEnv, max_episode_steps=20)
"""


def test_a_module_that_an_environments_name_imports_is_trusted_by_name(root, tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    named = ("environment=gymnasium", "environment.id=theirs:Theirs-v0", "evaluation.episodes=2", "hydra.run.dir=run")
    result = inside.train(root, tmp_path, "steps=200", "probe=none", *named)
    assert result.returncode == 0
    (tmp_path / "imported").unlink()
    sys.modules.pop("theirs")
    refused = inside.call(root, tmp_path, "evaluate.py", "run", "--episodes", "2")
    assert refused.returncode == 2
    assert "environment.id is 'theirs:Theirs-v0': a run directory may have been written by anybody" in refused.stderr
    assert "--trust theirs" in refused.stderr
    assert not (tmp_path / "imported").exists()
    trusted = inside.call(root, tmp_path, "evaluate.py", "run", "--episodes", "2", "--trust", "theirs")
    assert "over 2 episodes" in trusted.stdout, trusted.stderr
    assert (tmp_path / "imported").exists()


def test_training_trusts_the_config_that_its_user_wrote(compose):
    config = compose("optimizer._target_=rl.updates.optimizers.adam.Adam")
    assert type(Maker(None).make(config.optimizer, "optimizer")).__name__ == "Adam"


def test_an_older_runs_config_gets_the_keys_that_it_lacks(root, tmp_path, compose):
    """With the defaults of its own choices; a key that was deleted stays so."""
    folder = tmp_path / ".hydra"
    folder.mkdir()
    config = compose("optimizer=sgd", "~frozen.anchor", "agent.gamma=0.5")
    for key in ("optimizer.rates", "evaluation.max_steps", "network.value_bias", "compilation_cache"):
        OmegaConf.set_struct(config, False)
        parent, _, name = key.rpartition(".")
        del (OmegaConf.select(config, parent) if parent else config)[name]
    OmegaConf.save(config, folder / "config.yaml")
    OmegaConf.save(OmegaConf.create(["optimizer=sgd", "~frozen.anchor", "agent.gamma=0.5"]), folder / "overrides.yaml")
    OmegaConf.save(
        OmegaConf.create({"choices": {"optimizer": "sgd", "hydra/launcher": "basic"}}), folder / "hydra.yaml"
    )
    found = load_config(tmp_path)
    assert (found.optimizer.rates, found.evaluation.max_steps, found.network.value_bias) == ({}, 27_000, 0.0)
    assert (found.optimizer.learning_rate, found.agent.gamma) == (1e-2, 0.5)
    assert "anchor" not in found.frozen
    assert build(found, trusted=()).learner.optimizer.learning_rate == 1e-2
