"""Ctrl-C held back: it comes at the end, or where something long begins."""

import signal
import threading

import pytest

from rl.deferring import deferred_interrupt, heard_interrupt


@pytest.fixture(autouse=True)
def _not_ignored():
    """A shell's job in the background ignores Ctrl-C, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    signal.raise_signal(signal.SIGINT)


def test_it_comes_at_the_end_once_and_the_handler_is_back():
    reached, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        interrupt()
        interrupt()
        reached.append("the end")
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_comes_where_nothing_came():
    with deferred_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_comes_before_something_long_and_within_it():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        interrupt()
        with heard_interrupt():
            pytest.fail("it should have come before")
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred_interrupt(), heard_interrupt():
        reached.append("within")
        interrupt()
        pytest.fail("it should have come")
    assert reached == ["within"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_after_something_long_it_waits_again():
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        with heard_interrupt():
            pass
        interrupt()
        reached.append("still there")
    assert reached == ["still there"]


def test_it_is_heard_where_it_was_not_deferred():
    with pytest.raises(KeyboardInterrupt), heard_interrupt():
        interrupt()


def test_another_thread_defers_nothing():
    seen = []

    def look():
        with deferred_interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_handler_of_ones_own_hears_it_at_the_end():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("interrupted"))
    try:
        with deferred_interrupt():
            interrupt()
            assert heard == []
        assert heard == ["interrupted"]
    finally:
        signal.signal(signal.SIGINT, before)
