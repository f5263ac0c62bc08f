"""The totals of a process's connections, and gunicorn's statsd."""
import gc
import threading
import types
import weakref

import pytest
from gunicorn.config import Config

from fasth2.gunicorn import counters
from fasth2.gunicorn.patched.batching import BatchingConnection
from fasth2.gunicorn.statsd import INTERVAL, Reporter
from fasth2.server.counting import GAUGES
from tests.support.facade_peer import POST, Peer, frame


@pytest.fixture(autouse=True)
def nothing_left():
    """Connections of other tests have ended."""
    gc.collect()


def grown(before):
    """What has grown since, without what has not."""
    return {name: value - before.get(name, 0) for name, value in counters().items() if value != before.get(name, 0)}


def break_the_protocol(peer):
    try:
        peer.server.receive_data(frame("PING", 0, 0, b"1234"))
    except peer.server.errors.HTTP2ProtocolError:
        pass


def test_open_and_closed_connections_count(connect):
    before = counters()
    peer = connect()
    assert grown(before) == {"connections": 1, "connections_open": 1}
    break_the_protocol(peer)
    [name] = peer.server.counters
    during = grown(before)
    assert during == {"connections": 1, "connections_open": 1, name: 1}
    del peer
    gc.collect()
    assert grown(before) == {"connections": 1, name: 1}
    break_the_protocol(connect())
    gc.collect()
    assert grown(before) == {"connections": 2, name: 2}


def test_what_the_class_counts_is_in_it(connect):
    before = counters()
    peer = connect(http2_max_concurrent_streams=1)
    peer.served(1)
    peer.client.reset_stream(1)
    peer.tell()
    peer.request(3)
    peer.tell()
    assert grown(before)["unreleased_requests"] == 1


def test_many_that_ended_are_added_up_before_anyone_asks(connect):
    from fasth2.server import counting

    before = counters()
    for _ in range(counting._WAITING + 100):
        counting.Record(types.SimpleNamespace(counters={"resets": 1}))
    assert len(counting._ended) <= counting._WAITING
    assert grown(before) == {"connections": counting._WAITING + 100, "resets": counting._WAITING + 100}


def test_threads_lose_nothing(connect):
    from fasth2.server import counting

    before = counters()
    source = types.SimpleNamespace(counters={"resets": 1, "more": 2})
    seen = []
    done = threading.Event()

    def work():
        for _ in range(3000):
            counting.Record(source)

    def ask():
        while not done.is_set():
            seen.append(counters()["connections"])

    asking = threading.Thread(target=ask)
    asking.start()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    asking.join()
    assert grown(before) == {"connections": 12000, "resets": 12000, "more": 24000}
    assert seen == sorted(seen)


class Log:
    """gunicorn's statsd client, without a socket."""

    def __init__(self):
        self.sent = []

    def increment(self, name, value):
        self.sent.append((name, value))

    def gauge(self, name, value):
        self.sent.append((name, value))


def test_statsd_is_told_what_is_new(connect, monkeypatch):
    from fasth2.gunicorn import statsd

    now = [0.0]
    monkeypatch.setattr(statsd.time, "monotonic", lambda: now[0])
    told = []
    worker = types.SimpleNamespace(
        cfg=types.SimpleNamespace(statsd_host="localhost:8125"), log=Log(), notify=lambda: told.append("arbiter"))
    assert Reporter.wanted(worker)
    reporter = Reporter(worker)
    reporter.report()
    worker.log.sent.clear()
    peer = connect()
    break_the_protocol(peer)
    [name] = peer.server.counters
    worker.notify()
    assert worker.log.sent == []
    now[0] += INTERVAL
    worker.notify()
    assert ("fasth2.connections", 1) in worker.log.sent
    assert (f"fasth2.{name}", 1) in worker.log.sent
    assert told == ["arbiter"] * 2
    worker.log.sent.clear()
    worker.notify()
    reporter.report()
    assert {what for what, _ in worker.log.sent} == {f"fasth2.{name}" for name in GAUGES & set(counters())}


def test_statsd_is_not_wanted_unless_it_was_configured():
    cfg = types.SimpleNamespace(statsd_host=None)
    assert not Reporter.wanted(types.SimpleNamespace(cfg=cfg, log=Log()))
    cfg.statsd_host = "localhost:8125"
    assert not Reporter.wanted(types.SimpleNamespace(cfg=cfg, log=object()))


def test_a_connection_whose_engine_was_replaced_counts_without_faults(connect):
    """As gunicorn's own tests do: its end must not raise, nor may asking."""
    before = counters()
    peer = connect()
    peer.server.h2_conn = object()
    assert grown(before) == {"connections": 1, "connections_open": 1}
    del peer
    gc.collect()
    assert grown(before) == {"connections": 1}


@pytest.mark.parametrize("class_", [None, BatchingConnection], ids=["installed", "workers"])
def test_a_connection_that_ends_in_the_midst_of_a_request_is_freed(connect, class_):
    """Its count must not lead back to it: by a stream, by a request that waits, by an error nobody raised."""
    before = counters()
    peer = connect() if class_ is None else Peer(class_, Config())
    peer.request(1, POST, end_stream=False)
    peer.tell()
    server = weakref.ref(peer.server)
    peer.server.protocol.receive(frame("PING", 0, 0, b"1234"), peer.server)
    assert peer.server.streams
    assert peer.server.protocol.error is not None
    del peer
    gc.collect()
    assert server() is None
    assert grown(before).get("connections_open", 0) <= 0
