"""RFC 9218 over a worker: which of several responses goes first, and how long a small one waits for a large one."""
import pytest

from tests.support import frames, wsgi_app
from tests.support.frames import PREFACE
from tests.support.gunicorn_matrix import OWN_WORKER
from tests.support.gunicorn_server import Gunicorn
from tests.support.play import request
from tests.support.raw_client import RawClient

APP = "tests.gunicorn.native.test_priorities:application"
LARGE = 4_000_000
WINDOW = frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1))


def application(environ, start_response):
    """Large answers; those below ``/urgent`` say of themselves that they come first."""
    urgent = environ["PATH_INFO"].startswith("/urgent")
    environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/urgent")

    def start(status, fields):
        return start_response(status, [*fields, ("Priority", "u=0")] if urgent else fields)

    return wsgi_app.app(environ, start)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Of a worker in the clear."""
    with Gunicorn(tmp_path_factory.mktemp("priorities"), APP, *OWN_WORKER, "--threads", "8") as server:
        yield server.port
        assert "Traceback" not in server.log


@pytest.fixture
def peer(port):
    """A client whose stream windows are open and whose connection's is not."""
    with RawClient(port) as client:
        client.send(PREFACE + WINDOW)
        assert client.read(lambda: bool(client.wrote("SETTINGS")))
        yield client


def ask(stream_id, path, *fields):
    """A GET."""
    return bytes(request(stream_id, *fields, path=path.encode()))


def order(client):
    """The streams of DATA frames, in order, without repetitions in a row."""
    found = []
    for sent in client.wrote("DATA"):
        if sent.data and found[-1:] != [sent.stream_id]:
            found.append(sent.stream_id)
    return found


def ended(client, *stream_ids):
    """A condition: these responses are whole."""
    return lambda: all(any(sent.end_stream for sent in client.wrote("DATA", stream_id)) for stream_id in stream_ids)


def test_a_small_answer_does_not_wait_for_a_large_one(peer):
    """The connection's window is used up by the large one; with more, the small one gets the next frame."""
    peer.send(ask(1, f"/big?{LARGE}"))
    assert peer.read(lambda: sum(len(sent.data) for sent in peer.wrote("DATA")) == 65535)
    peer.send(ask(3, "/hello"))
    assert peer.read(lambda: bool(peer.wrote("HEADERS", 3)))
    del peer.sent[:]
    peer.send(bytes(frames.window_update(0, 100_000)))
    assert peer.read(ended(peer, 3))
    before = [sent.stream_id for sent in peer.wrote("DATA")].index(3)
    assert before <= 1, f"{before} frames of the large one went before"


def test_a_large_download_without_any_limit(peer):
    """The client reads nothing but takes all: what is queued in sockets is all that a small answer waits for."""
    peer.send(bytes(frames.window_update(0, 2**31 - 1 - 65535)) + ask(1, f"/big?{16 * LARGE}"))
    assert peer.read(lambda: bool(peer.wrote("DATA", 1)))
    peer.send(ask(3, "/hello"))
    assert peer.read(ended(peer, 3), 20)
    assert not ended(peer, 1)()
    assert sum(len(sent.data) for sent in peer.wrote("DATA", 1)) < 16 * LARGE


def wait_for_the_window(peer, *requests):
    """Use the connection's window up, and have these answered as far as their headers."""
    peer.send(ask(1, "/big?65535"))
    assert peer.read(ended(peer, 1))
    for stream_id, octets in requests:
        peer.send(octets)
        assert peer.read(lambda: bool(peer.wrote("HEADERS", stream_id)))  # noqa: B023
    del peer.sent[:]


def test_urgency_comes_first(peer):
    wait_for_the_window(peer, (3, ask(3, "/big?50000", (b"priority", b"u=5"))), (5, ask(5, "/big?50000", (b"priority", b"u=3"))),
                        (7, ask(7, "/big?50000", (b"priority", b"u=0"))))
    peer.send(bytes(frames.window_update(0, 1_000_000)))
    assert peer.read(ended(peer, 3, 5, 7))
    assert order(peer) == [7, 5, 3]


def test_streams_that_are_not_incremental_go_one_after_another(peer):
    wait_for_the_window(peer, (3, ask(3, "/big?50000", (b"priority", b"u=2"))), (5, ask(5, "/big?50000", (b"priority", b"u=2"))))
    peer.send(bytes(frames.window_update(0, 1_000_000)))
    assert peer.read(ended(peer, 3, 5))
    assert order(peer) == [3, 5]


def test_incremental_streams_take_turns(peer):
    wait_for_the_window(peer, (3, ask(3, "/big?80000", (b"priority", b"u=2, i"))), (5, ask(5, "/big?80000", (b"priority", b"u=2, i"))))
    peer.send(bytes(frames.window_update(0, 1_000_000)))
    assert peer.read(ended(peer, 3, 5))
    assert len(order(peer)) >= 6


def test_PRIORITY_UPDATE_of_a_response_that_waits(peer):
    wait_for_the_window(peer, (3, ask(3, "/big?50000")), (5, ask(5, "/big?50000")))
    peer.send(bytes(frames.priority_update(5, b"u=0")) + bytes(frames.window_update(0, 1_000_000)))
    assert peer.read(ended(peer, 3, 5))
    assert order(peer) == [5, 3]


def test_the_application_has_a_say(peer):
    """The response's field replaces what the client asked for (RFC 9218 section 8)."""
    wait_for_the_window(peer, (3, ask(3, "/big?50000", (b"priority", b"u=2"))),
                        (5, ask(5, "/urgent/big?50000", (b"priority", b"u=4"))))
    peer.send(bytes(frames.window_update(0, 1_000_000)))
    assert peer.read(ended(peer, 3, 5))
    assert order(peer) == [5, 3]
