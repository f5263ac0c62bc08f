"""How a stopping gevent worker wakes its idle connections."""
import os
import types

import gevent
import gevent.event

from fasth2.gunicorn.patched.gevent_worker import GeventWorker, _Stopping


def stopping_worker():
    """What of a worker `notify` needs."""
    worker = GeventWorker.__new__(GeventWorker)
    worker.alive = False
    worker.ppid = os.getppid()
    worker.tmp = types.SimpleNamespace(notify=lambda: None)
    worker.log = types.SimpleNamespace()
    worker._idle = set()
    return worker


def connection(worker, readable, seen):
    """A connection's greenlet: waits for a request, and has the application serve it."""
    worker._idle.add(gevent.getcurrent())
    try:
        readable.wait()
    except _Stopping:
        seen.append("goodbye")
        return
    finally:
        worker._idle.discard(gevent.getcurrent())
    try:
        gevent.sleep(0.05)
    except _Stopping:
        seen.append("stopped in the application")
        return
    seen.append("served")


def test_an_idle_connection_is_woken():
    worker, seen = stopping_worker(), []
    greenlet = gevent.spawn(connection, worker, gevent.event.Event(), seen)
    gevent.sleep(0)
    worker.notify()
    greenlet.join(5)
    assert seen == ["goodbye"]


def test_a_request_that_comes_at_that_moment_is_served():
    worker, seen, readable = stopping_worker(), [], gevent.event.Event()
    greenlet = gevent.spawn(connection, worker, readable, seen)
    gevent.sleep(0)
    readable.set()
    worker.notify()
    greenlet.join(5)
    assert seen == ["served"]
