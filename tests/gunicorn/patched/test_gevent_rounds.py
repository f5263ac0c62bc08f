"""The greenlet that sees to the connections of a gevent worker, and the moment at which one may be stopped."""
import types

import gevent
import gevent.lock
import gevent.socket
import pytest
from gunicorn.config import Config

from fasth2.gunicorn.patched.gevent_worker import GeventWorker
from fasth2.gunicorn.patched.serving import Serving
from tests.support.facade_peer import Peer, frames
from tests.support.waiting import until


class Seen:
    """A connection that notes which greenlets see to it."""

    def __init__(self):
        self.by = []

    def process_input(self):
        self.by.append(gevent.getcurrent())


@pytest.fixture
def worker():
    """What of a worker a connection needs."""
    worker = GeventWorker.__new__(GeventWorker)
    worker.alive, worker.cfg, worker.fast_requests, worker.pings_keep = True, Config(), {}, False
    worker.log = types.SimpleNamespace(debug=lambda *args: None)
    worker._idle, worker._served_connections, worker._input_greenlet = set(), set(), None
    worker._stopping_since = None
    return worker


def test_connections_one_after_another_leave_one_greenlet(worker):
    for _ in range(40):
        with worker._input_processed(Seen()):
            gevent.sleep(0)
    last = Seen()
    with worker._input_processed(last):
        until(lambda: len(last.by) > 3, sleep=gevent.sleep)
    assert len(last.by) > 3
    assert len(set(last.by)) == 1


def test_one_that_has_ended_is_followed_by_another(worker):
    for _ in range(2):
        seen = Seen()
        with worker._input_processed(seen):
            assert until(lambda seen=seen: seen.by, sleep=gevent.sleep)
        # The round that finds nothing is the greenlet's last.
        assert until(lambda: worker._input_greenlet.dead, sleep=gevent.sleep)


def test_a_frame_is_not_torn_by_the_end_of_the_worker(worker):
    """An idle connection that writes is not idle: the client reads late, and gets whole frames, GOAWAY last."""
    ours, theirs = gevent.socket.socketpair()
    ours.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_SNDBUF, 4096)
    peer = Peer(GeventWorker.connection_class, worker.cfg, greeted=False)
    h2 = peer.server
    h2.initiate_connection()
    peer.talk()
    h2.sock = ours
    serving = Serving(worker, h2, ours, ("192.0.2.1", 50000), ("127.0.0.1", 80), gevent.lock.RLock())
    h2.protocol.began -= 60
    count = 20_000
    for _ in range(count):
        h2.h2_conn.ping(b"presence")

    def serve():
        with serving.lock:
            worker._serve(h2, serving)
        ours.close()

    greenlet = gevent.spawn(serve)
    gevent.sleep(0.05)
    worker.alive = False

    def stop():
        while not greenlet.dead:
            worker.stop_accepting()  # as once a second
            gevent.sleep(0.01)

    stopping = gevent.spawn(stop)
    gevent.sleep(0.05)
    read = bytearray()
    theirs.settimeout(10)
    while part := theirs.recv(65536):
        read += part
    stopping.join(10)
    theirs.close()
    kinds = [each.kind for each in frames(bytes(read))]
    assert kinds.count("PING") == count
    assert kinds[-1] == "GOAWAY"
