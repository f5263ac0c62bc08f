"""How connections end: by the client, by its mistakes, and with the worker."""
import time

import h2.events
import pytest

from tests.gunicorn.native.asking import ask
from tests.gunicorn.native.conftest import WORKER
from tests.gunicorn.native.raw_client import RawClient
from tests.support import frames
from tests.support.gunicorn_server import Gunicorn
from tests.support.play import request
from tests.support.tls_client import Client

APP = "tests.support.wsgi_app:app"
NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR = 0, 1, 6


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """A server without TLS."""
    with Gunicorn(tmp_path_factory.mktemp("ends"), APP, *WORKER, "--threads", "4", "--keep-alive", "1") as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def peer(clear):
    """A client that has said hello."""
    with RawClient(clear.port) as client:
        client.send(frames.PREFACE + frames.settings())
        assert client.read(lambda: bool(client.wrote("SETTINGS")))
        yield client


def ended(client, stream_id):
    """A condition: the response is whole."""
    return lambda: any(sent.end_stream for sent in client.wrote("DATA", stream_id))


def test_a_clients_goaway_lets_responses_finish(peer):
    """RFC 9113 section 6.8: it starts no more; what it has started goes on."""
    peer.send(request(1, path=b"/slow?0.3") + frames.goaway())
    assert peer.read(ended(peer, 1))
    assert not peer.wrote("RST_STREAM")
    assert not peer.read(lambda: False)
    assert peer.closed


def test_a_mistake_does_not_take_back_what_was_answered(peer):
    """GOAWAY names the last stream, and follows the answers."""
    peer.send(bytes(request(1, path=b"/hello")))
    assert peer.read(ended(peer, 1))
    peer.send(bytes(frames.data(0, b"nonsense")))
    assert not peer.read(lambda: False)
    [goaway] = peer.wrote("GOAWAY")
    assert (goaway.error_code, goaway.last_stream_id) == (PROTOCOL_ERROR, 1)


def test_the_last_words_arrive_though_much_was_on_its_way(clear):
    """The connection is not reset while the client still sends (RFC 9112 section 9.6)."""
    for _ in range(10):
        with RawClient(clear.port) as client:
            client.send(frames.PREFACE + frames.settings() + frames.ping().body(b"short") + frames.ping() * 1000)
            assert not client.read(lambda: False)
            assert [sent.error_code for sent in client.wrote("GOAWAY")] == [FRAME_SIZE_ERROR]


def test_requests_are_served_until_the_last_goodbye(clear):
    """An idle connection: GOAWAY after ``keepalive``, then the end."""
    with RawClient(clear.port) as client:
        client.send(frames.PREFACE + frames.settings() + request(1, path=b"/hello"))
        began = time.monotonic()
        assert not client.read(lambda: False)
        assert 0.5 < time.monotonic() - began < 8
        assert ended(client, 1)()
        [goaway] = client.wrote("GOAWAY")
        assert (goaway.error_code, goaway.last_stream_id) == (NO_ERROR, 1)


@pytest.mark.parametrize("tls", [True, False])
def test_a_goodbye_in_two_steps(start, tls):
    """On TERM: a warning, after which requests on their way are served, then the last stream (RFC 9113 section 6.8)."""
    server = start(APP, "--threads", "4", "--graceful-timeout", "10", tls=tls)
    with Client(server, patient=True) as client:
        client.request(1, "/slow?1")
        time.sleep(0.2)
        server.terminate()
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        [warning] = client.found(h2.events.ConnectionTerminated)
        assert (int(warning.error_code), warning.last_stream_id) == (NO_ERROR, 2**31 - 1)
        assert ask(client, "/hello", stream_id=3) == ("200", b"Hello, world!")
        assert client.read(client.ended(1))
        assert client.status(1) == "200"
        client.read(lambda: len(client.found(h2.events.ConnectionTerminated)) > 1)
        assert client.found(h2.events.ConnectionTerminated)[-1].last_stream_id == 3
    assert server.process.wait(10) == 0
