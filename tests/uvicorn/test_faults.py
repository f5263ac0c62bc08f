"""Applications that fail or hog the loop, and clients that are slow or vanish."""
import hashlib
import socket
import struct
import time

import h2.events
import pytest

from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import until


def count(server, word):
    return curl(server, "/seen").split(b",").count(word)


@pytest.mark.parametrize("where", ["before", "head"])
def test_a_fault_before_the_body_is_a_500(server, where):
    with Client(server) as client:
        client.request(1, f"/faults?{where}")
        assert client.read(client.ended(1))
        assert (client.status(1), client.body(1)) == ("500", b"Internal Server Error")


def test_a_fault_between_parts_resets_the_stream_only(server):
    with Client(server) as client:
        client.request(1, "/faults?between")
        assert client.read(client.ended(1))
        assert (client.status(1), client.body(1)) == ("200", b"part")
        assert client.found(h2.events.StreamReset, 1)[0].error_code == 2
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"


def test_a_fault_after_the_response_is_in_the_log(server):
    with Client(server) as client:
        client.request(1, "/faults?after")
        assert client.read(client.ended(1))
        assert (client.status(1), client.body(1)) == ("200", b"partend")
        assert not client.found(h2.events.StreamReset)
    assert until(lambda: "ValueError: after the end" in server.log)


def test_an_application_that_awaits_nothing_but_send(server):
    """Another stream, and another connection, are served meanwhile; the end of its client is its end."""
    before = count(server, b"flooded")
    with Client(server) as client:
        client.request(1, "/flood?20000")
        assert client.read(lambda: len(client.body(1)) > 1_000_000)
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert curl(server, "/hello") == b"Hello, world!"
        client.conn.reset_stream(1)
        client.flush()
        client.ping()
    assert until(lambda: count(server, b"flooded") == before + 1)


def test_an_application_that_blocks_the_loop(server):
    with Client(server) as client, Client(server) as other:
        client.request(1, "/busy?0.3")
        other.request(1, "/hello")
        assert other.read(other.ended(1))
        assert client.read(client.ended(1))
        assert (client.body(1), other.body(1)) == (b"busy", b"Hello, world!")


def test_a_slow_sender_and_a_body_that_drips(server):
    body = bytes(range(200)) * 3
    with Client(server) as client:
        for n in (1, 3):
            client.request(n, "/digest", "POST", end_stream=False)
        for at in range(0, 600, 100):
            # In frames of one octet, and in pieces with pauses.
            for octet in body[at : at + 100]:
                client.data(1, bytes([octet]))
            client.data(3, body[at : at + 100])
            time.sleep(0.02)
        for n in (1, 3):
            client.data(n, b"", end_stream=True)
        assert client.read(lambda: client.ended(1)() and client.ended(3)())
        assert {client.body(1), client.body(3)} == {hashlib.sha256(body).hexdigest().encode()}


def test_a_slow_reader_gets_the_whole(server):
    with Client(server, credit=False) as client:
        client.request(1, "/stream?4")
        expected = b"".join(b"%d" % n * 50000 for n in range(4))
        assert client.read(lambda: len(client.body(1)) == 65535)
        while len(client.body(1)) < len(expected):
            seen = len(client.body(1))
            client.conn.increment_flow_control_window(20000)
            client.conn.increment_flow_control_window(20000, stream_id=1)
            client.flush()
            assert client.read(lambda seen=seen: len(client.body(1)) >= min(seen + 20000, len(expected)))
        assert client.read(client.ended(1))
        assert client.body(1) == expected


def test_a_peer_that_vanishes(server):
    """With a reset of TCP, in an upload and in a download."""
    before = count(server, b"digest"), count(server, b"http.disconnect")
    client = Client(server)
    client.request(1, "/digest", "POST", end_stream=False)
    client.data(1, bytes(1000))
    client.request(3, "/events")
    assert client.read(lambda: b"data: 3" in client.body(3))
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    assert until(lambda: (count(server, b"digest"), count(server, b"http.disconnect")) == (before[0] + 1, before[1] + 1))
    assert "exception was never retrieved" not in server.log
