"""How connections end: by the client, and by its mistakes."""
import time

import pytest

from tests.support import frames
from tests.support.gunicorn_matrix import OWN_WORKER
from tests.support.gunicorn_server import Gunicorn
from tests.support.play import request
from tests.support.raw_client import RawClient

APP = "tests.support.wsgi_app:app"
NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR = 0, 1, 6


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """A server without TLS."""
    with Gunicorn(tmp_path_factory.mktemp("ends"), APP, *OWN_WORKER, "--threads", "4", "--keep-alive", "1") as server:
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
