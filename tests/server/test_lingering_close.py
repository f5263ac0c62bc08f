"""After an error the socket is read on for a while, so that the peer gets what was queued (RFC 9112 section 9.6)."""
import socket
import threading

import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.server.errors import HTTP2ProtocolError
from tests.support.facade_peer import config
from tests.support.fields import request
from tests.support.frames import PREFACE, data, ping, settings, split_frames

#: More than the server's end has read when it finds the error.
REST = bytes(ping()) * 20_000


@pytest.fixture
def ends():
    """The two ends of a TCP connection, so that a close with octets unread resets it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=10)
        server, _ = listener.accept()
    yield server, client
    server.close()
    client.close()


def talk(client, octets, found):
    """Send octets, then read to the end, close, and say what came."""
    try:
        client.sendall(octets)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while part := client.recv(65536):
            received += part
        found.extend(frame.type for frame in split_frames(received))
    except OSError as exc:
        found.append(exc)
    client.close()


def test_a_protocol_error(ends):
    server, client = ends
    connection = HTTP2ServerConnection(config(), server, None)
    connection.initiate_connection()
    found = []
    peer = threading.Thread(target=talk, args=(client, PREFACE + settings() + data(0, b"x") + REST, found))
    peer.start()
    with pytest.raises(HTTP2ProtocolError):
        while True:
            connection.receive_data()
    assert connection.is_closed
    # The peer has ended: nothing is left to be read, so this close resets nothing.
    assert server.recv(1) == b""
    server.close()
    peer.join()
    assert found[-1] == 7


def test_an_error_of_the_caller(ends):
    server, client = ends
    connection = HTTP2ServerConnection(config(), server, None)
    connection.initiate_connection()
    found = []
    peer = threading.Thread(target=talk, args=(client, PREFACE + settings() + bytes(request(1)) + REST, found))
    peer.start()
    assert connection.receive_data()
    connection.close(error_code=2)
    assert server.recv(1) == b""
    server.close()
    peer.join()
    assert found[-1] == 7


def test_an_end_without_an_error_is_left_to_the_caller(ends):
    server, client = ends
    connection = HTTP2ServerConnection(config(), server, None)
    connection.initiate_connection()
    client.sendall(PREFACE + settings())
    connection.receive_data()
    connection.close()
    server.sendall(b"open")
    received = b""
    while not received.endswith(b"open"):
        received += client.recv(65536)
