"""How the loop waits: it looks a moment longer before it sleeps, where that pays."""
from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from fasth2.wsgi import loop as wsgi_loop
from fasth2.wsgi.loop import BUSY_POLL, Loop
from fasth2.wsgi.poller import READ, Poller, Waker, has_spare_processors

SHORT, LONG = BUSY_POLL / 10, BUSY_POLL * 10


class Kernel:
    """A clock, and a poller for whose events that clock goes on."""

    def __init__(self) -> None:
        self.now = 100.0
        #: Seconds until the next event.
        self.next = 0.0
        self.looks = self.sleeps = 0

    def monotonic(self) -> float:
        return self.now

    def busy_poll(self, seconds: float) -> list[tuple[int, int]]:
        self.looks += 1
        self.now += min(seconds, self.next)
        self.next -= min(seconds, self.next)
        return [] if self.next else [(0, READ)]

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        self.sleeps += timeout > 0
        self.now += min(timeout, self.next)
        return [(0, READ)] if timeout >= self.next else []


@pytest.fixture
def processors():
    return 2


@pytest.fixture
def waiting(monkeypatch, processors):
    """A function that has a loop wait once for an event that comes after so many seconds, and says how it did that."""
    kernel = Kernel()
    monkeypatch.setattr(wsgi_loop, "time", kernel)
    dispatcher = SimpleNamespace(calling=False, uploads=None, unsent=None)
    loop = Loop(SimpleNamespace(), lambda leadership, wake: dispatcher, [], threads=1, timeout=None, keepalive=None,
                max_connections=1)
    loop.poller.close()
    loop._may_busy_poll = processors > 1
    loop.poller = kernel

    def wait(after: float, timeout: float = 1.0, calling: bool = False) -> tuple[int, int]:
        dispatcher.calling = calling
        kernel.next, kernel.looks, kernel.sleeps = after, 0, 0
        loop.now = kernel.now
        begun = kernel.now
        events = loop._wait(timeout)
        assert bool(events) == (after <= timeout)
        assert loop.now == kernel.now == begun + min(after, timeout)
        return kernel.looks, kernel.sleeps

    yield wait
    loop._waker.close()


LOOKED, SLEPT, BOTH = (1, 0), (0, 1), (1, 1)


def test_after_a_short_wait_it_looks_first(waiting):
    assert waiting(SHORT) == SLEPT
    assert [waiting(SHORT) for _ in range(3)] == [LOOKED] * 3


def test_after_a_long_wait_it_sleeps_at_once(waiting):
    waiting(SHORT)
    assert waiting(LONG) == BOTH
    assert [waiting(LONG) for _ in range(3)] == [SLEPT] * 3
    assert waiting(5.0, timeout=0.5) == SLEPT


def test_what_is_there_already_says_nothing_about_the_next_wait(waiting):
    assert waiting(0.0, timeout=0.0) == (0, 0)
    assert waiting(LONG) == SLEPT


def test_threads_that_are_in_a_call_are_not_kept_from_their_processor(waiting):
    waiting(SHORT)
    assert waiting(SHORT, calling=True) == SLEPT
    assert waiting(SHORT) == LOOKED


@pytest.mark.parametrize("processors", [1])
def test_on_one_processor_the_client_runs_only_while_the_loop_sleeps(waiting, processors):
    assert [waiting(SHORT) for _ in range(3)] == [SLEPT] * 3


def test_looking_finds_what_is_there_and_ends():
    poller, waker = Poller(), Waker()
    try:
        poller.register(waker.fileno(), READ)
        assert poller.busy_poll(0.001) == []
        waker.wake()
        assert poller.busy_poll(60.0) == [(waker.fileno(), READ)]
    finally:
        waker.close()
        poller.close()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no thread can be bound to a processor")
def test_a_worker_that_is_bound_to_one_processor_has_none_to_spare():
    mine = os.sched_getaffinity(0)
    found = []

    def bound():
        # Of this thread only.
        os.sched_setaffinity(0, {min(mine)})
        found.append(has_spare_processors())

    thread = threading.Thread(target=bound)
    thread.start()
    thread.join()
    assert found == [False]
    assert has_spare_processors() == (len(mine) > 1)
