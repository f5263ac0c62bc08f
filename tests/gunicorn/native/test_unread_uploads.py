"""Uploads that are answered without being read: the answer arrives whole, and the reset comes later and by itself."""
import ssl

import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.record_peer import Peer
from tests.support.waiting import until
from tests.support.wsgi_serving import Serving

NO_ERROR = 0
BODY = b"too large"


def refuse(environ, start_response):
    """An answer without a look at the body."""
    start_response("413 Content Too Large", [("content-length", str(len(BODY)))])
    return [BODY]


@pytest.fixture(params=["tls", "clear"])
def made(request, certificate):
    """A loop, and what connects to it."""
    context = None
    if request.param == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.set_alpn_protocols(["h2"])
    with Serving(refuse, context=context) as serving:
        with Peer(serving, certificate if context else None) as peer:
            yield serving, peer


def post(stream_id):
    return request(stream_id, method="POST", end_stream=False)


def test_the_stream_gets_no_credit_behind_its_end_and_the_connection_does(made):
    _, peer = made
    peer.send(post(1), *(frames.data(1, bytes(10000)) for _ in range(6)))
    assert peer.read(peer.ended(1))
    peer.send(frames.data(1, bytes(5000)), frames.ping())
    assert peer.read(lambda: peer.wrote("PING"))
    assert not peer.wrote("WINDOW_UPDATE", 1)
    assert sum(one.increment for one in peer.wrote("WINDOW_UPDATE", 0)) >= 32767
    assert not peer.wrote("RST_STREAM")


def test_a_body_that_ends_in_time_ends_its_stream(made):
    serving, peer = made
    serving.choose(unread_upload_seconds=0.3)
    peer.send(post(1), frames.data(1, bytes(1000)))
    assert peer.read(peer.ended(1))
    peer.send(frames.data(1, bytes(1000), end_stream=True))
    [client] = serving.loop.clients.values()
    assert until(lambda: client.session.idle)
    peer.send(post(3), frames.data(3, b"x"))
    # By then the first would have been reset too.
    assert peer.read(lambda: peer.wrote("RST_STREAM"))
    assert [one.stream_id for one in peer.wrote("RST_STREAM")] == [3]


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_the_reset_comes_in_time_in_a_write_of_its_own(made, seconds):
    serving, peer = made
    serving.choose(unread_upload_seconds=seconds)
    peer.send(post(1), frames.data(1, bytes(1000)))
    assert peer.read(lambda: peer.wrote("RST_STREAM", 1))
    assert peer.ended(1)()
    [reset] = peer.wrote("RST_STREAM")
    assert reset.error_code == NO_ERROR
    if isinstance(peer.sock, ssl.SSLSocket) or seconds:
        # A record of its own; without TLS two writes may be one for whoever reads.
        assert [one.kind for one in peer.reads[-1]] == ["RST_STREAM"]
    [client] = serving.loop.clients.values()
    assert client.session.connection.counters["unread_uploads"] == 1
    # What was on its way is no fault, and the connection goes on.
    peer.send(frames.data(1, bytes(1000)), frames.data(1, b"", end_stream=True), request(3))
    assert peer.read(peer.ended(3))
    assert not peer.wrote("GOAWAY")
    assert client.session.idle


def test_the_reset_comes_once_so_much_has_followed(made):
    serving, peer = made
    serving.choose(unread_upload_seconds=3600.0)
    serving.choose(unread_upload_octets=3000)
    peer.send(post(1), frames.data(1, bytes(10000)))
    assert peer.read(peer.ended(1))
    peer.send(frames.data(1, bytes(3000)), frames.ping())
    assert peer.read(lambda: peer.wrote("PING"))
    assert not peer.wrote("RST_STREAM")
    peer.send(frames.data(1, b"x"))
    assert peer.read(lambda: peer.wrote("RST_STREAM", 1))


def test_the_reset_comes_once_the_window_is_used_up(made):
    """No more can come: the client need not wait."""
    serving, peer = made
    serving.choose(unread_upload_seconds=3600.0)
    peer.send(post(1), *(frames.data(1, bytes(10000)) for _ in range(6)))
    assert peer.read(peer.ended(1))
    peer.send(frames.data(1, bytes(5534)), frames.ping())
    assert peer.read(lambda: peer.wrote("PING"))
    assert not peer.wrote("RST_STREAM")
    peer.send(frames.data(1, b"x"))
    assert peer.read(lambda: peer.wrote("RST_STREAM", 1))


def test_many_at_once_are_reset_in_time(made):
    serving, peer = made
    serving.choose(unread_upload_seconds=0.2)
    ids = range(1, 101, 2)
    peer.send(*(frame for stream_id in ids for frame in (post(stream_id), frames.data(stream_id, bytes(100)))))
    assert peer.read(lambda: len(peer.wrote("RST_STREAM")) == len(ids))
    assert all(peer.ended(stream_id)() for stream_id in ids)
    assert not peer.wrote("GOAWAY")


def test_the_reset_waits_for_the_answer_to_be_taken(made):
    """A client without window for the answer is not told before it has it."""
    serving, peer = made
    serving.choose(unread_upload_seconds=0.0)
    peer.send(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)), post(1), frames.data(1, b"x"), frames.ping())
    assert peer.read(lambda: peer.wrote("HEADERS", 1) and peer.wrote("PING"))
    assert not peer.wrote("RST_STREAM")
    peer.send(frames.window_update(1, 100))
    assert peer.read(lambda: peer.wrote("RST_STREAM", 1))
    assert peer.ended(1)()
