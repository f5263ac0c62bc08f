"""Bodies that break off, that come slowly, and that come in tiny frames, as an application reads them."""
import tracemalloc

import pytest
from gunicorn.config import Config
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2StreamError

from fasth2.gunicorn.dropin import _streamed_requests
from fasth2.gunicorn.patched.batching import BatchingConnection
from tests.gunicorn.connection_class import CLASS, on_headers
from tests.support.clock import clock_for
from tests.support.facade_peer import POST, Peer, frame
from tests.support.timed_peer import ClockedSocket

pytestmark = on_headers
CANCEL = 0x8


@pytest.fixture(params=[CLASS, BatchingConnection], ids=["installed", "ours"])
def peer(request):
    return Peer(request.param, Config())


def begin(peer, stream_id=1):
    peer.request(stream_id, POST, end_stream=False)
    [request] = peer.tell()
    peer.listen()
    return request


def data(octets=b"x", end_stream=False, stream_id=1):
    return frame("DATA", int(end_stream), stream_id, octets)


READS = {
    "read": lambda body: body.read(),
    "read a part": lambda body: body.read(100),
    "readline": lambda body: body.readline(),
    "readlines": lambda body: body.readlines(),
    "iterate": list,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_reset_is_an_OSError(peer, read):
    """Django makes UnreadablePostError of that; over HTTP/1.1 it is one too."""
    request = begin(peer)
    peer.queue(data(b"part"), frame("RST_STREAM", 0, 1, b"\0\0\0\x08"))
    with pytest.raises(OSError, match="closed before its request body was complete") as caught:
        read(request.body)
    assert isinstance(caught.value, HTTP2StreamError)
    assert isinstance(caught.value, ConnectionAbortedError)
    assert caught.value.stream_id == 1
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("end", [b"", OSError("gone"), frame("PING", 0, 0, b"1234")])
def test_the_end_of_the_connection_is_one(peer, read, end):
    request = begin(peer)
    peer.queue(data(b"part"), end)
    with pytest.raises(OSError) as caught:
        read(request.body)
    assert isinstance(caught.value, (HTTP2StreamError, HTTP2ConnectionError))


def test_data_received_before_a_reset_can_be_read(peer):
    request = begin(peer)
    peer.queue(data(b"part"), frame("RST_STREAM", 0, 1, b"\0\0\0\x08"))
    with pytest.raises(OSError):
        request.body.readline()
    assert request.body.read(4) == b"part"


# Slow ones


@pytest.fixture
def clock(monkeypatch):
    return clock_for(monkeypatch, _streamed_requests)


@pytest.fixture
def slow(peer, clock):
    """A peer whose reads take time."""
    peer.sock = peer.server.sock = ClockedSocket(clock)
    peer.seen = 0
    peer.server.stream_timeout = 30
    return peer


def test_a_drip_ends_after_the_timeout_in_all(slow, clock):
    request = begin(slow)
    slow.sock.reads.extend([(2, data())] * 100)
    with pytest.raises(OSError):
        request.body.read()
    assert 1030 <= clock.now < 1031
    slow.listen()
    assert slow.reset_code() == CANCEL
    assert slow.server.counters["slow_bodies"] == 1
    assert not slow.server.is_closed


def test_one_at_the_least_rate_is_read(slow, clock):
    request = begin(slow)
    slow.sock.reads.extend([(2, data(b"x" * 256))] * 100 + [(2, data(end_stream=True))])
    assert len(request.body.read()) == 25601


def test_one_that_stops_ends_after_the_timeout(slow, clock):
    request = begin(slow)
    slow.sock.reads.extend([(0, data(b"x" * 16384)), (100, data())])
    with pytest.raises(OSError):
        request.body.read()
    assert clock.now == 1030


def test_the_rate_is_a_setting(slow, clock):
    slow.server.MIN_RECEIVE_RATE = 0
    request = begin(slow)
    slow.sock.reads.extend([(2, data())] * 100 + [(2, data(end_stream=True))])
    assert len(request.body.read()) == 101


def test_one_that_waits_behind_others_is_not_slow(slow, clock):
    request = begin(slow)
    begin(slow, 3)
    for _ in range(50):
        slow.sock.reads.extend([(2, data()), (2, data(b"x" * 1200, stream_id=3))])
    slow.sock.reads.append((2, data(end_stream=True)))
    assert len(request.body.read()) == 51


def test_the_application_costs_a_client_no_time(slow, clock):
    request = begin(slow)
    for _ in range(100):
        clock.now += 100
        slow.sock.reads.append((0.1, data()))
        assert request.body.read(1) == b"x"


# Tiny frames


@pytest.mark.parametrize("size", [1, 2, 3, 700, 1000, 1025])
def test_what_waits_is_joined(peer, size):
    """docs/security.md, row 9: at most twice what came is held, each object counted."""
    begin(peer)
    octets = 6000 if size < 10 else 60_000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(octets // size):
            peer.server.receive_data(data(b"xy" * (size // 2) + b"z" * (size % 2)))
            peer.sock.writes.clear()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < 2 * octets


@pytest.mark.parametrize("read", [READS["read"], READS["readline"]], ids=["read", "readline"])
def test_what_is_read_is_joined(peer, read):
    """57 octets were held for each octet of two-octet frames."""
    request = begin(peer)
    octets = [data(b"ab")] * 5000 + [data(b"", end_stream=True)]
    del peer.sock.writes[:]
    peer.sock.sendall = lambda data: None
    peer.sock.reads.extend(octets)
    tracemalloc.start()
    try:
        body = read(request.body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body == b"ab" * 5000
    assert most < 4 * len(body) + 10_000


def test_a_line_in_tiny_parts_takes_linear_time(peer):
    """Each part was appended to the line by copying it, and all of it looked through again."""
    request = begin(peer)
    parts = 0

    class Counting(bytes):
        def find(self, *args):
            nonlocal parts
            parts += len(self)
            return super().find(*args)

    stream = request.stream
    chunks = iter([Counting(b"x" * 100)] * 2000 + [Counting(b"y\nz")])
    stream.pop_chunk = lambda: next(chunks, None)
    assert len(request.body.readline()) == 200_002
    assert parts < 300_000
    stream.request_complete = stream._body_complete = True
    assert request.body.read() == b"z"


def test_lines_with_a_limit(peer):
    request = begin(peer)
    peer.queue(data(b"on"), data(b"e\ntwo"), data(b"\n\nthree", end_stream=True))
    body = request.body
    assert [body.readline(2), body.readline(5), body.readline(-1), body.readline(0), body.readline(),
            body.readline(3), body.readline(), body.readline()] == [b"on", b"e\n", b"two\n", b"", b"\n", b"thr", b"ee", b""]
    body.close()
    with pytest.raises(ValueError, match="closed file"):
        body.readline()
    with pytest.raises(ValueError, match="closed file"):
        body.read(1)
