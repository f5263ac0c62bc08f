"""Requests whose body is not whole: who waits for a thread and for how long, and what is told when one is given up."""
import socket
import threading

import h2.events
import pytest

from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.limits import WorkerLimits
from fasth2.wsgi.waiting_calls import run_uploads
from tests.support import frames
from tests.support.fields import block, in_frames, request, request_fields
from tests.support.record_peer import Peer
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Serving
from tests.wsgi.without_sockets import Connection, Worker

NO_ERROR, REFUSED_STREAM, CANCEL = 0, 7, 8
EXPECT = ("expect", "100-continue")
LONG = ("content-length", "10000000")


class Unread:
    """An application that reads nothing; the paths that it was called for are in `paths`."""

    def __init__(self, page=b"unread"):
        self.page = page
        self.paths = []

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [self.page]


class Reader:
    """An application that reads the whole body."""

    def __init__(self):
        self.begun = threading.Event()

    def __call__(self, environ, start_response):
        self.begun.set()
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [b"read"]


def post(stream_id, *fields, path="/"):
    return request(stream_id, *fields, method="POST", path=path, end_stream=False)


# Refused requests that are reset in the same read


def connect():
    return [request(1, method="CONNECT", scheme=None, path=None)]


def large():
    return in_frames(1, block(request_fields(("x-large", "a" * 70_000))), 16_000)


@pytest.mark.parametrize("refused", [connect, large])
def test_a_refused_request_that_is_reset_at_once_ends_nothing_else(refused):
    app = Unread()
    connection = Connection(Worker(app))
    connection.serve(*refused(), frames.rst_stream(1, CANCEL), request(3, path="/good"))
    assert app.paths == ["/good"]
    assert connection.wrote("DATA", 3)[-1].end_stream
    assert not connection.wrote("HEADERS", 1)
    assert connection.session.error is None


@pytest.mark.parametrize("refused", [connect, large])
def test_a_refused_request_is_answered(refused):
    """The same without the reset."""
    app = Unread()
    connection = Connection(Worker(app))
    connection.serve(*refused(), request(3, path="/good"))
    assert connection.wrote("HEADERS", 1)
    assert app.paths == ["/good"]


def test_a_refused_upgrade_whose_stream_is_gone_raises_nothing():
    connection = Connection(Worker(Unread()))
    connection.session.begin_upgraded([(":method", "CONNECT"), (":authority", "example.com")], b"")
    assert connection.session.idle


# Resets of slow bodies


class Gathering(Serving):
    """No body starts before it is whole."""

    def _dispatcher(self, leadership, wake):
        return Dispatcher(self.application, leadership, wake, self._report, timeout=20.0, limits=WorkerLimits(gather_pause=3600.0))


def test_the_reset_of_a_slow_body_is_sent_when_it_was_all_there_was():
    with Gathering(Unread(), timeout=1.0) as server, Client(server) as client:
        client.request(1, "/", "POST", end_stream=False)
        client.data(1, b"x")
        assert client.read(lambda: client.found(h2.events.StreamReset, 1), 20)
        assert client.found(h2.events.StreamReset, 1)[0].error_code == CANCEL
    assert not server.failures


# Time


def looks(connection, first, last, timeout=20.0):
    """As the loop, once a second; the second of a reset."""
    for second in range(first, last):
        connection.session.reset_slow_bodies(float(second), timeout)
        connection.flush()
        if connection.wrote("RST_STREAM"):
            return second
    return None


@pytest.mark.parametrize("fields", [
    [EXPECT], [("content-type", "application/grpc")], [LONG], [],
], ids=["100-continue", "gRPC", "long", "paused"])
def test_who_waits_for_a_thread_is_not_slow(fields):
    """The client waits for 100, for the response's head, or for nothing that the worker could tell."""
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1, *fields))
    if not fields:
        worker.dispatcher.queue_paused(0.0)
        worker.dispatcher.queue_paused(2.0)
    assert len(worker.dispatcher.uploads.waiting) == 1
    assert looks(connection, 0, 60) is None
    assert run_uploads(worker.dispatcher)
    connection.flush()
    assert app.paths == ["/"]
    assert connection.wrote("HEADERS", 1)


@pytest.mark.parametrize("timeout", [20.0, 3.0])
@pytest.mark.parametrize("drips", [False, True])
def test_who_waits_for_too_long_may_ask_again(timeout, drips):
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1, EXPECT), post(3, LONG))
    for second in range(200):
        if drips and not connection.wrote("RST_STREAM"):
            connection.feed(frames.data(3, b"x" * 200))
        ended = connection.session.reset_slow_bodies(float(second), timeout)
        connection.flush()
        assert ended == bool(connection.wrote("RST_STREAM"))
        if ended:
            break
    assert second in (4 * timeout, 4 * timeout + 1)
    assert [(frame.stream_id, frame.error_code) for frame in connection.wrote("RST_STREAM")] == [
        (1, REFUSED_STREAM), (3, REFUSED_STREAM)]
    assert connection.session.connection.counters == {"waiting_uploads": 2}
    assert not worker.dispatcher.uploads.waiting
    assert run_uploads(worker.dispatcher)
    assert not app.paths
    assert connection.session.idle


def test_the_time_of_a_worker_that_has_slept_does_not_count():
    connection = Connection(Worker(Unread()))
    connection.serve(post(1, EXPECT))
    connection.session.reset_slow_bodies(0.0, 20.0)
    assert not connection.session.reset_slow_bodies(1000.0, 20.0)


# Turns


def test_connections_take_turns():
    """One that has asked for many waits behind one that has asked for one."""
    app = Unread()
    worker = Worker(app)
    greedy, other, third = Connection(worker), Connection(worker), Connection(worker)
    greedy.feed(*(post(stream_id, LONG, path=f"/greedy/{stream_id}") for stream_id in (1, 3, 5)))
    other.feed(*(post(stream_id, LONG, path=f"/other/{stream_id}") for stream_id in (1, 3)))
    third.feed(post(1, LONG, path="/third"))
    while worker.dispatcher.uploads.waiting:
        # With one thread one at a time.
        assert run_uploads(worker.dispatcher)
    assert app.paths == ["/greedy/1", "/other/1", "/third", "/greedy/3", "/other/3", "/greedy/5"]


def test_a_connection_that_holds_threads_waits_behind_those_that_hold_none():
    """Three threads wait for one client: a thread goes to whoever has none, however long others wait."""
    gate, begun = threading.Event(), []

    def app(environ, start_response):
        begun.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/held":
            assert gate.wait(20)
        elif environ["PATH_INFO"] == "/first":
            environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [b"done"]

    server = Serving(app, threads=3)
    with server, Client(server) as greedy, Client(server) as quiet:
        for stream_id in (1, 3):
            greedy.request(stream_id, "/held", "POST", [LONG], end_stream=False)
        assert until(lambda: len(begun) == 2)
        greedy.request(5, "/greedy", "POST", [LONG], end_stream=False)
        greedy.request(7, "/greedy", "POST", [LONG], end_stream=False)
        assert until(lambda: len(server.loop.dispatcher.uploads.waiting) == 2)
        quiet.request(1, "/quiet", "POST", [LONG], end_stream=False)
        assert until(lambda: len(server.loop.dispatcher.uploads.waiting) == 3)
        gate.set()
        assert quiet.read(quiet.ended(1), 20)
        assert begun[2] == "/quiet"
        assert greedy.read(greedy.ended(7), 20)
    assert not server.failures


def test_calls_that_are_over_count_no_more():
    """After any end of a streamed request its connection has the same turn as one that is new."""
    app = Unread()
    worker = Worker(app)
    old = Connection(worker)
    old.serve(post(1, LONG), post(3, EXPECT), post(5, LONG), post(7, LONG))
    while worker.dispatcher.uploads.waiting:
        assert run_uploads(worker.dispatcher)
    old.serve(frames.rst_stream(1, CANCEL), frames.data(3, b"", end_stream=True))
    new = Connection(worker)
    app.paths.clear()
    old.feed(post(9, LONG, path="/old"), post(11, LONG, path="/old"))
    new.feed(post(1, LONG, path="/new"))
    while worker.dispatcher.uploads.waiting:
        assert run_uploads(worker.dispatcher)
    assert app.paths == ["/old", "/new", "/old"]


# Half-closed


def test_an_answer_to_an_upload_is_sent_whole_when_its_client_has_ended():
    """The upload is answered unread, with more than the windows take; then the client gives credit, and ends."""
    worker = Worker(Unread(bytes(200_000)))
    connection = Connection(worker)
    connection.serve(post(1, LONG), post(3))
    assert run_uploads(worker.dispatcher)
    connection.flush()
    assert sum(len(frame.data) for frame in connection.wrote("DATA", 1)) == 65535
    connection.feed(frames.window_update(0, 10**6), frames.window_update(1, 10**6))
    assert connection.session.end_input()
    connection.flush()
    assert sum(len(frame.data) for frame in connection.wrote("DATA", 1)) == 200_000
    assert connection.wrote("DATA", 1)[-1].end_stream
    # What the application was not called for is given up.
    assert [frame.stream_id for frame in connection.wrote("RST_STREAM")] == [3]


def test_the_connection_is_closed_behind_the_answer():
    with Serving(Unread(bytes(200_000))) as server, Peer(server) as peer:
        server.choose(unread_upload_seconds=0.2)
        peer.send(post(1, LONG))
        octets = b""
        while len(octets) < 65535:
            octets += peer.sock.recv(65536)
        peer.send(frames.window_update(0, 10**6), frames.window_update(1, 10**6))
        peer.sock.shutdown(socket.SHUT_WR)
        while part := peer.sock.recv(65536):
            octets += part
        peer.reads.append(peer.reader.read(octets))
        assert sum(len(frame.data) for frame in peer.wrote("DATA", 1)) == 200_000
        assert peer.ended(1)()
        assert [frame.error_code for frame in peer.wrote("RST_STREAM", 1)] in ([], [NO_ERROR])
        assert until(lambda: not server.loop.clients)
    assert not server.failures
