"""HTTP/2 without TLS, by prior knowledge and by upgrade, with requests in the same write as the beginning."""
import socket

import h2.config
import h2.connection
import h2.events
import pytest

from tests.load.setups import OLDER, SETUPS
from tests.support.gunicorn_matrix import INSTALLED
from tests.support.payload import fill

#: The older gunicorn has the upgrade too.
CLEARTEXT = [*SETUPS, *(setup for setup in INSTALLED if setup.version is OLDER and setup.worker == "gthread")]

#: A body with room for the requests behind it in the first window.
BODY = b"".join(fill(20_000))


@pytest.fixture(scope="module", params=CLEARTEXT, ids=str)
def server(request, serve):
    options = ("--http2-cleartext", "both", "--forwarded-allow-ips", "127.0.0.1", "--keep-alive", "20")
    with serve(request.param, *options, tls=False) as server:
        yield server


def pipelined(conn, first):
    """Ten requests, each second one with a body; return what each answer is to be."""
    wanted = {}
    for stream_id in range(first, first + 20, 2):
        posts = stream_id % 4 == first % 4
        conn.send_headers(stream_id, [
            (":method", "POST" if posts else "GET"), (":scheme", "http"), (":authority", "localhost"),
            (":path", "/echo" if posts else "/hello")], end_stream=not posts)
        if posts:
            conn.send_data(stream_id, b"body %d" % stream_id, end_stream=True)
        wanted[stream_id] = b"body %d" % stream_id if posts else b"Hello, world!"
    return wanted


def bodies(conn, sock, count, begun=b""):
    """Read until as many responses have ended; return their bodies."""
    events = conn.receive_data(begun)
    while sum(isinstance(event, h2.events.StreamEnded) for event in events) < count:
        data = sock.recv(65536)
        assert data
        events += conn.receive_data(data)
        sock.sendall(conn.data_to_send())
    found = {event.stream_id: b"" for event in events if isinstance(event, h2.events.StreamEnded)}
    for event in events:
        if isinstance(event, h2.events.DataReceived):
            found[event.stream_id] += event.data
    return found


def test_prior_knowledge(server):
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    conn.initiate_connection()
    wanted = pipelined(conn, 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(conn.data_to_send())
        assert bodies(conn, sock, len(wanted)) == wanted
        again = pipelined(conn, 21)
        sock.sendall(conn.data_to_send())
        assert bodies(conn, sock, len(again)) == again


def test_prior_knowledge_in_small_pieces(server):
    """The preface arrives in parts, and the first request's frames do."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    conn.initiate_connection()
    wanted = pipelined(conn, 1)
    data = conn.data_to_send()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, 200, 5):
            sock.sendall(data[at : at + 5])
        sock.sendall(data[200:])
        assert bodies(conn, sock, len(wanted)) == wanted


@pytest.mark.parametrize("body", [b"", BODY], ids=["empty", "body"])
def test_an_upgrade_with_requests_behind_it(server, body):
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    settings = conn.initiate_upgrade_connection()
    wanted = {1: body, **pipelined(conn, 3)}
    head = (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: " + settings + b"\r\nContent-Length: %d\r\n\r\n" % len(body))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(head + body + conn.data_to_send())
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = sock.recv(65536)
            assert data
            answer += data
        head, _, begun = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert bodies(conn, sock, len(wanted), begun) == wanted
