"""send_error and send_informational."""
import h2.events
import pytest

from fasth2.server.errors import HTTP2Error
from tests.support.facade_peer import frames


def test_an_error_with_a_message(peer):
    peer.served()
    peer.server.send_error(1, 404, "Nöt found")
    peer.listen()
    body = "Nöt found".encode()
    assert sorted(peer.response()) == [
        (":status", "404"), ("content-length", str(len(body))), ("content-type", "text/plain; charset=utf-8")]
    assert peer.body() == body
    assert peer.ended()


@pytest.mark.parametrize("message", [None, ""])
def test_an_error_without_a_message(peer, message):
    peer.served()
    peer.server.send_error(1, 500, message)
    peer.listen()
    assert peer.response() == [(":status", "500"), ("content-length", "0")]
    assert peer.ended()


def test_an_error_for_an_unknown_stream(peer):
    with pytest.raises(HTTP2Error):
        peer.server.send_error(99, 500)


@pytest.mark.parametrize("status", [100, 103, 199])
def test_an_interim_response_leaves_the_stream_open(peer, status):
    peer.served()
    peer.server.send_informational(1, status, [("Link", "</a>; rel=preload")])
    [write] = peer.written()
    [headers] = frames(write)
    assert not headers.end_stream
    peer.seen -= 1
    [event] = peer.listen()
    assert isinstance(event, h2.events.InformationalResponseReceived)
    assert event.headers == [(":status", str(status)), ("link", "</a>; rel=preload")]
    peer.server.send_informational(1, 103, [])
    peer.server.send_response(1, 200, [], b"x")
    peer.listen()
    assert peer.body() == b"x"


@pytest.mark.parametrize("status", [99, 200, 0, 404])
def test_another_status_is_refused(peer, status):
    peer.served()
    with pytest.raises(HTTP2Error, match=str(status)):
        peer.server.send_informational(1, status, [])
    assert peer.written() == []


def test_an_interim_response_on_an_unknown_stream(peer):
    with pytest.raises(HTTP2Error):
        peer.server.send_informational(99, 103, [])


def test_an_interim_response_after_the_final_headers(peer):
    peer.served()
    peer.server.h2_conn.respond(1, 200, [], b"", None, False)
    peer.server.streams[1].send_headers([])
    with pytest.raises(HTTP2Error):
        peer.server.send_informational(1, 103, [])
