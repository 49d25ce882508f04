"""The environment that scripts set before TensorFlow is imported."""

import os

import pytest

from rl import runtime

FLAGS = (
    "--xla_cpu_enable_concurrency_optimized_scheduler=false",
    "--xla_cpu_prefer_vector_width=512",
)


@pytest.mark.parametrize(
    ("given", "version", "expected"),
    [
        ("", "2.21.0", FLAGS),
        ("--xla_cpu_prefer_vector_width=128", "2.21.1", ("--xla_cpu_prefer_vector_width=128", FLAGS[0])),
        ("--xla_dump_to=x", "2.22.0", ("--xla_dump_to=x",)),  # a version that may not know them
    ],
)
def test_flags_of_xla_are_added_where_they_are_known(monkeypatch, given, version, expected):
    monkeypatch.setenv("XLA_FLAGS", given)
    monkeypatch.setattr(runtime.importlib.metadata, "version", lambda name: version)
    runtime.prepare()
    assert sorted(os.environ["XLA_FLAGS"].split()) == sorted(expected)


@pytest.mark.parametrize(("given", "together"), [("", "true"), ("--xla_dump_to=x", "true"), (FLAGS[0], "false")])
def test_operations_run_together_on_request_unless_the_user_forbids_it(monkeypatch, given, together):
    monkeypatch.setenv("XLA_FLAGS", given)
    monkeypatch.setattr(runtime, "AS_GIVEN", {"XLA_FLAGS": given})
    runtime.prepare()
    runtime.run_operations_together()
    assert FLAGS[0].replace("false", together) in os.environ["XLA_FLAGS"].split()
    assert {*given.split()} <= {*os.environ["XLA_FLAGS"].split()}


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    runtime.prepare()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
