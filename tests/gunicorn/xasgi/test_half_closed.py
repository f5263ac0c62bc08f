"""A client that ends its sending side after whole requests gets their answers (RFC 9113 section 9.1, RFC 9293)."""
import socket
import time

import h2.config
import h2.connection
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import APP, SETUPS, seen
from tests.support.tls_client import Client
from tests.support.waiting import until

#: gunicorn knows cleartext HTTP/2 from 26.2 on. Its own worker has to have read the request before the end is there,
#: and uvloop tells of both in one turn.
CLEARTEXT = [(setup, loop) for setup in SETUPS if setup.version.name >= "26" for loop in ("asyncio", "uvloop")
             if (setup.way, loop) != ("install", "uvloop")]


@pytest.fixture(scope="module", params=CLEARTEXT, ids=lambda place: "-".join(map(str, place)))
def server(request, tmp_path_factory):
    setup, loop = request.param
    options = ("--http2-cleartext", "both", "--forwarded-allow-ips", "127.0.0.1", "--keep-alive", "5", "--asgi-loop", loop)
    with setup.start(tmp_path_factory.mktemp("server"), "", APP, *options) as server:
        yield server


def ask_and_end(server, requests, unfinished=()):
    """Send requests and the end of them in one write, read to the end; a body or None for each stream."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    conn.initiate_connection()
    for at, path in enumerate(requests):
        conn.send_headers(2 * at + 1, [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)],
                          end_stream=at not in unfinished)
    bodies, ended, resets = {}, set(), {}
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as sock:
        sock.sendall(conn.data_to_send())
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(65536):
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
                elif isinstance(event, h2.events.StreamReset):
                    resets[event.stream_id] = event.error_code
    return {stream_id: body for stream_id, body in bodies.items() if stream_id in ended}, resets


def test_a_client_that_ends_its_side_gets_the_answer(server):
    bodies, resets = ask_and_end(server, ["/hello"])
    assert bodies == {1: b"Hello, world!"}
    assert not resets


def test_all_answers_come_those_that_take_time_too(server):
    bodies, _ = ask_and_end(server, ["/waits", "/hello", "/waits"])
    assert bodies == {1: b"Hello, world!", 3: b"Hello, world!", 5: b"Hello, world!"}


def test_a_request_that_is_not_whole_ends_and_the_others_are_answered(server):
    bodies, _ = ask_and_end(server, ["/waits", "/reads"], unfinished={1})
    assert bodies == {1: b"Hello, world!"}


def test_a_client_that_is_quite_gone_ends_the_application(server):
    """What waits for its client is told, though it sends nothing itself."""
    before = seen(server)
    with Client(server) as client:
        client.request(1, "/listens")
        assert until(lambda: seen(server)["counts"].get("/listens", 0) > before["counts"].get("/listens", 0))
    assert until(lambda: len(seen(server)["endings"]) > len(before["endings"]))


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if setup.way == "own"], ids=str)
def test_clients_of_cleartext_HTTP_1_1_that_close_leave_nothing_open(setup, tmp_path):
    """gunicorn 25.0.3 has a reader for HTTP/1.1 as for HTTP/2."""
    options = ("--keep-alive", "60", "--graceful-timeout", "30")
    with setup.start(tmp_path, "", APP, *options) as server:
        clients = []
        for _ in range(5):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=15)
            clients.append(client)
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"Hello, world!"):
                data = client.recv(65536)
                assert data
                answer += data
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            # The server closes too.
            assert client.recv(65536) == b""
            client.close()
        began = time.monotonic()
        server.terminate()
        assert server.process.wait(25) == 0
        assert time.monotonic() - began < 15
