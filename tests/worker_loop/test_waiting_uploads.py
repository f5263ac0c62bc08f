"""Requests that are given up before their body is whole, or refused: what is told, and what becomes of others."""
import socket

import h2.events
import pytest

from fasth2.server._call import Site
from fasth2.server.worker_limits import WorkerLimits
from tests.support import frames
from tests.support.fields import block, in_frames, request, request_fields
from tests.support.tls_client import Client
from tests.worker_loop.in_process import Serving, until
from tests.worker_loop.peer import Peer
from tests.worker_loop.without_sockets import Connection, Worker

NO_ERROR, CANCEL = 0, 8
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

    def _site(self, lead, wake):
        return Site(self.application, lead, wake, self._report, timeout=20.0, limits=WorkerLimits(gather_pause=3600.0))


def test_the_reset_of_a_slow_body_is_sent_when_it_was_all_there_was():
    with Gathering(Unread(), timeout=1.0) as server, Client(server) as client:
        client.request(1, "/", "POST", end_stream=False)
        client.data(1, b"x")
        assert client.read(lambda: client.found(h2.events.StreamReset, 1), 20)
        assert client.found(h2.events.StreamReset, 1)[0].error_code == CANCEL
    assert not server.failures


# Half-closed


def test_an_answer_to_an_upload_is_sent_whole_when_its_client_has_ended():
    """The upload is answered unread, with more than the windows take; then the client gives credit, and ends."""
    worker = Worker(Unread(bytes(200_000)))
    connection = Connection(worker)
    connection.serve(post(1, LONG), post(3))
    assert worker.site.run_uploads()
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
        server.loop.site.unread_seconds = 0.2
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
