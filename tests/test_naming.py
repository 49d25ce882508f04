"""Names of programs that do not depend on what the process traced before."""

import tensorflow as tf

from rl.naming import Program


def looped(x):
    return tf.while_loop(lambda x: tf.reduce_sum(x) < 10.0, lambda x: (x + 1.0,), (x,))[0]


def names(program, *arguments):
    function = program.traced(*arguments).function_def
    bodies = [node.attr["body"].func.name for node in function.node_def if "body" in node.attr]
    assert bodies
    return function.signature.name, *bodies


def test_a_program_is_named_by_its_identity_alone(monkeypatch):
    first = names(Program(looped, compiled=True, identity="by itself"), tf.ones(3))
    tf.function(looped, autograph=False).get_concrete_function(tf.ones(7))  # moves TensorFlow's own count
    monkeypatch.setattr("rl.naming._taken", set())  # as in another process
    assert names(Program(looped, compiled=True, identity="by itself"), tf.ones(3)) == first
    monkeypatch.setattr("rl.naming._taken", set())
    assert names(Program(looped, compiled=True, identity="another"), tf.ones(3)) != first


def test_programs_of_one_identity_have_names_of_their_own():
    programs = [Program(looped, compiled=True, identity="twice") for _ in range(2)]
    one, other = (set(names(program, tf.ones(3))) for program in programs)
    assert not one & other
    for program, start in zip(programs, (1.0, 2.0), strict=True):
        assert float(program(tf.fill(3, start))[0]) == 4.0  # 3 · 3 = 9 < 10 ≤ 12


def test_a_program_within_a_program_has_the_same_name_as_outside():
    inner = Program(looped, compiled=None, identity="inner")
    outer = Program(lambda x: inner(x) + 1.0, compiled=True, identity="outer")
    assert float(outer(tf.ones(3))[0]) == 5.0
    assert inner.num_traces == 1
    assert float(inner(tf.ones(3))[0]) == 4.0
    assert inner.num_traces == 1


def test_names_elsewhere_are_counted_by_tensorflow():
    from tensorflow.python.framework import ops

    before = ops.uid()
    Program(looped, compiled=True, identity="elsewhere")(tf.ones(3))
    assert before < ops.uid() < before + 10**6
