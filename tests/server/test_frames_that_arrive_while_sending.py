"""With window left, send_data looks now and then for what the peer has sent; it does not wait for it."""
import time

import pytest

from fasth2.server.errors import HTTP2ConnectionError, HTTP2StreamClosed
from tests.support.facade_peer import frame, frames


@pytest.fixture
def sending(connect, pair):
    """A peer on real sockets whose response has begun; each part is a chance to look."""
    peer = connect(sock=pair)
    peer.served()
    peer.server.POLL_INTERVAL = 0
    begin(peer)
    return peer


def begin(peer):
    peer.server.h2_conn.send_headers(1, [(":status", "200")])
    peer.server.streams[1].send_headers([])
    peer.server._send_pending_data()
    peer.listen()


def arrives(peer, octets=None):
    """Deliver what the client has to send, or other octets."""
    peer.sock.client_end.sendall(peer.octets() if octets is None else octets)


def test_nothing_has_arrived(sending):
    start = time.monotonic()
    sending.server.send_data(1, b"one")
    assert time.monotonic() - start < 0.5
    sending.listen()
    assert sending.body() == b"one"


def test_a_reset_ends_the_response(sending):
    sending.client.reset_stream(1)
    arrives(sending)
    with pytest.raises(HTTP2StreamClosed):
        sending.server.send_data(1, b"one")
    assert sending.written() == []


def test_a_PING_is_answered(sending):
    sending.client.ping(b"12345678")
    arrives(sending)
    sending.server.send_data(1, b"one")
    kinds = [sent.kind for write in sending.written() for sent in frames(write)]
    assert sorted(kinds) == ["DATA", "PING"]


def test_requests_are_kept_for_the_next_receive_data(sending):
    sending.request(3)
    arrives(sending)
    sending.server.send_data(1, b"one", end_stream=True)
    assert [request.stream.stream_id for request in sending.server.receive_data()] == [3]


def test_a_peer_that_sends_no_more_gets_its_response(sending, monkeypatch):
    sending.sock.client_end.shutdown(1)
    sending.server.send_data(1, b"one")
    # There is nothing more to look for.
    monkeypatch.setattr(sending.server, "_recv", None)
    sending.server.send_data(1, b"two", end_stream=True)
    sending.listen()
    assert sending.body() == b"onetwo"
    assert sending.ended()


def test_an_error_of_the_peer_ends_the_connection_with_GOAWAY(sending):
    arrives(sending, frame("PING", 0, 0, b"short"))
    with pytest.raises(HTTP2ConnectionError):
        sending.server.send_data(1, b"one")
    [goaway] = [sent for write in sending.written() for sent in frames(write)]
    assert (goaway.kind, goaway.error_code) == ("GOAWAY", 0x6)


def test_input_is_not_polled_for_every_part(sending):
    sending.server.POLL_INTERVAL = 60
    sending.client.reset_stream(1)
    arrives(sending)
    sending.server.send_data(1, b"one")


def test_a_socket_that_could_only_wait_is_not_read(connect):
    peer = connect()
    peer.served()
    peer.server.POLL_INTERVAL = 0
    begin(peer)
    peer.queue(AssertionError("read"))
    peer.server.send_data(1, b"one")
