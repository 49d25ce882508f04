"""Every tag that a run logs says how it is put together over iterations."""

import subprocess
import sys

import numpy as np
import pytest

from rl.instruments.noise_scales import NoiseScales
from rl.learning.chunk import Chunk
from rl.learning.state import read
from rl.reductions import LAST, MEAN, SUM
from rl.runs.evaluation import Evaluation
from rl.runs.log import RunLog
from rl.runs.log_repair import Rates
from rl.runs.loop import Stretch
from rl.tag_meanings import meaning
from rl.tags import declared, reduction

SMALL = ("environment=compiled/tabular/chain", "num_envs=4", "agent.rollout_length=8", "network.torso.widths=[8]")
REMEMBERING = ("environment=compiled/pendulum", "num_envs=2", "agent.ticks=4", "agent.critic_widths=[8]")
REMEMBERING = (*REMEMBERING, "network.torso.widths=[8]", "network.shared=true", "replay.capacity=40")
CASES = {
    "PPO, all probes": ("probe=all", "probe.oracle=true", "combiner=pcgrad"),
    "A2C, no probe": ("agent=a2c", "probe=none", "frozen=target_polyak", "agent/bootstrap=tdc"),
    "SAC, all probes": ("agent=sac", "probe=all", "combiner=pcgrad"),
    "MPO, no probe": ("agent=mpo", "probe=none"),
}


def logged(experiment):
    """(metrics, findings): the tags of a run's programs, which are traced and not compiled."""
    programs = experiment.programs(probe_every=1)
    basis = programs._no_basis()
    if experiment.prober:
        programs._probe.traced(*basis)
    if experiment.learner.alternates:
        learnt = programs._alternate.traced(read(experiment.variables))
    else:
        learnt = programs._learn.traced(basis[0], programs._no_trajectory())
    return tuple(learnt.structured_outputs[1]), programs._probe_tags


@pytest.mark.parametrize("overrides", CASES.values(), ids=CASES)
def test_every_tag_of_a_run_has_one_reduction(build, tmp_path, overrides):
    own = REMEMBERING if {"agent=sac", "agent=mpo"} & {*overrides} else SMALL
    metrics, findings = logged(build(*own, *overrides))
    chunk = Chunk(*({tag: np.ones(1) for tag in tags} for tags in (metrics, findings)), {}, {}, ())
    log = RunLog(tmp_path, Rates(steps_per_iteration=1, points_every=2, total=4))
    log.begin("", {})
    log.iterations(Stretch(0, 1, chunk, 1.0), wall_seconds=1.0, last=False, evaluation_due=True)
    log.evaluated(Evaluation(np.ones(1)), 1, last=False)
    log.close()
    (row,) = log.state()["since_log"]
    assert len(row) > 20
    assert set(metrics) - {"bad_update"} <= set(row)
    for tag in row:
        assert len(declared(tag)) == 1, tag
        assert meaning(tag), tag


def test_what_is_counted_is_added_and_what_is_an_average_already_is_not_averaged_again():
    assert reduction("update/count") is reduction("episode/count") is SUM
    (tag,) = NoiseScales().columns({"gradient/noise/value/trace": np.ones(1), "gradient/noise/value/square_norm": [1]})
    assert reduction(tag) is reduction("evaluation/return") is reduction("time/wall_seconds") is LAST
    assert reduction("objective/value").weight == "update/taken"


def test_a_tag_from_elsewhere_is_averaged():
    assert declared("mine/number") == []
    assert reduction("mine/number") is MEAN


def test_tensorflow_is_not_needed():
    code = "import sys, rl.tags, rl.tag_meanings, rl.reductions; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_heads_diagnostics_do_not_depend_on_its_name():
    for head in ("policy", "value", "q_0", "temperature"):
        assert declared(f"{head}/kl") == [reduction("policy/kl")]
        assert declared(f"{head}/explained_variance") == [MEAN]
    for name in ("entropy", "kl", "mean"):
        assert declared(f"objective/{name}") == [reduction("objective/value")]


def test_numbers_of_several_updates_are_declared():
    for stem in ("update/gradient_norm", "update/row_weight/actor", "gradient/group_cosine/actor-critic"):
        assert [one.weight for one in declared(f"{stem}/auxiliary")] == ["update/taken"]
