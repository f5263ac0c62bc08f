"""The greenlet that sees to the connections of a gevent worker."""
import types

import gevent
import pytest
from gunicorn.config import Config

from fasth2.gunicorn import gevent_worker
from fasth2.gunicorn.gevent_worker import GeventWorker


class Seen:
    """A connection that notes which greenlets see to it."""

    def __init__(self):
        self.by = []

    def attend(self):
        self.by.append(gevent.getcurrent())


@pytest.fixture
def worker():
    """What of a worker a connection needs."""
    worker = GeventWorker.__new__(GeventWorker)
    worker.alive, worker.cfg, worker.fast_requests, worker.pings_keep = True, Config(), {}, False
    worker.log = types.SimpleNamespace(debug=lambda *args: None)
    worker._idle, worker._attending, worker._attender = set(), set(), None
    return worker


def test_connections_one_after_another_leave_one_greenlet(worker):
    for _ in range(40):
        with worker._attended(Seen()):
            gevent.sleep(0)
    last = Seen()
    with worker._attended(last):
        gevent.sleep(6 * gevent_worker.ROUND)
    assert last.by
    assert len(set(last.by)) == 1


def test_one_that_has_ended_is_followed_by_another(worker):
    for _ in range(2):
        seen = Seen()
        with worker._attended(seen):
            gevent.sleep(3 * gevent_worker.ROUND)
        assert seen.by
        # The round that finds nothing is the greenlet's last.
        gevent.sleep(3 * gevent_worker.ROUND)
    assert worker._attender.dead
