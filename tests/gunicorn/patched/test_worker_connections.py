"""Idle connections, misbehaving ones and slow ones under the worker classes; tests/load has their ends."""
import base64
import shutil
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from gunicorn.config import Config

from tests.support.certificate import Certificate
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

CONTEXTS = """
def ssl_context(conf, factory):
    conf.settings["logger_class"]  # a hook may use the configuration
    print("made a context", flush=True)
    return factory()
"""


#: gunicorn's first versions with HTTP/2 have it over TLS only.
cleartext = pytest.mark.skipif("http2_cleartext" not in Config().settings, reason="this gunicorn has no h2c")


@pytest.fixture(scope="module", params=["WSGIWorker", "gthread", "gevent"])
def steady(request, tmp_path_factory, certificate):
    """A server of each worker class, with two threads, for the tests that do it no harm."""
    with Gunicorn(tmp_path_factory.mktemp("steady"), "tests.support.wsgi_app:app", "-k", f"fasth2.gunicorn.{request.param}",
                  "--http-protocols", "h2,h1", "--threads", "2", "--keep-alive", "30", certificate=certificate) as server:
        yield server
        assert "Error handling" not in server.log


def goaway(client):
    """Those that name the last stream; one that only says that the end comes (RFC 9113 section 6.8) may be before it."""
    return [event for event in client.found(h2.events.ConnectionTerminated) if event.last_stream_id != 2**31 - 1]


def served(client, stream_id=1, wait=8.0):
    client.request(stream_id, "/hello")
    return client.read(client.ended(stream_id), wait) and client.body(stream_id) == b"Hello, world!"


def test_idle_connections_hold_no_thread(steady):
    """With gunicorn's own gthread, as many idle connections as threads block the worker until keepalive."""
    with Client(steady) as one, Client(steady) as two, Client(steady) as three, Client(steady) as four:
        for client in (one, two, three, four):
            assert served(client, wait=5)
        for client in (four, one):
            assert served(client, 3, wait=5)


def test_part_of_a_TLS_record_holds_no_thread(steady):
    clients = [Client(steady) for _ in range(3)]
    for client in clients:
        assert served(client, wait=5)
        raw = socket.socket(fileno=client.sock.detach())
        raw.sendall(b"\x17\x03\x03\x40\x00some")  # the head of a record of 16 KiB, and four octets of it
        client.sock = raw
    with Client(steady) as other:
        for stream_id in (1, 3):
            assert served(other, stream_id, wait=5)
    for client in clients:
        client.sock.close()


def test_a_TLS_handshake_that_stops_holds_no_thread_for_ever(start, worker):
    """With gunicorn's own workers, as many of them as threads, or on gevent as connections, block it for good."""
    places = "--worker-connections" if "fasth2.gunicorn.gevent" in worker else "--threads"
    server = start(*worker, places, "2", "--timeout", "2")
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for sock in silent:
        sock.sendall(b"\x16\x03\x01")  # the first octets of a ClientHello
    # It is accepted behind them.
    with Client(server) as client:
        assert served(client)
    for sock in silent:
        sock.settimeout(5)
        assert sock.recv(1) == b""
        sock.close()
    assert "timed out" not in server.log


def test_an_unfinished_request_does_not_prolong_idle_connections(start):
    """Each connection has its own time: ``timeout`` while a request arrives, ``keepalive`` when idle."""
    server = start("-k", "fasth2.gunicorn.gthread", "--threads", "4", "--keep-alive", "1", "--timeout", "30")
    with Client(server) as slow, Client(server) as client:
        slow.request(1, "/echo", "POST", end_stream=False)
        assert served(client)
        assert client.read(lambda: goaway(client), 6)


def test_a_connection_goes_on_when_a_request_that_stopped_half_way_was_cancelled(start, worker):
    server = start(*worker, "--threads", "2", "--keep-alive", "5", "--timeout", "2")
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        assert client.read(lambda: client.found(h2.events.StreamReset, 1))
        # Nothing follows that ends the connection: some time has to pass.
        assert not client.read(lambda: client.closed, 0.3)
        assert served(client, 3)


def test_more_busy_connections_than_threads(steady):
    clients = [Client(steady) for _ in range(6)]
    for stream_id in (1, 3, 5):
        for client in clients:
            client.request(stream_id, "/slow?0.02")
    for client in clients:
        assert client.read(lambda client=client: all(client.ended(n)() for n in (1, 3, 5)))
        client.sock.close()


def test_an_idle_connection_is_closed_after_keepalive(start, worker):
    server = start(*worker, "--keep-alive", "1")
    with Client(server) as client:
        assert served(client)
        begin = time.monotonic()
        assert client.read(lambda: goaway(client))
        assert 0.8 < time.monotonic() - begin < 6
        [event] = goaway(client)
        assert (int(event.error_code), event.last_stream_id) == (0, 1)


def test_keepalive_begins_anew_with_each_request(start, worker):
    server = start(*worker, "--keep-alive", "2")
    with Client(server) as client:
        for stream_id in (1, 3, 5, 7):
            assert served(client, stream_id)
            # Three pauses take longer than the time, each less than half of it.
            assert not client.read(lambda: goaway(client), 0.8)


def test_peers_that_break_the_protocol_and_stay_do_not_delay_others(steady):
    """gunicorn's own gthread reads each on for two seconds where it should accept."""
    peers = [Client(steady) for _ in range(5)]
    for peer in peers:
        peer.sock.sendall(b"\0\0\5\6\0\0\0\0\0wrong")  # a PING of five octets
    for peer in peers:
        assert peer.read(lambda peer=peer: goaway(peer))
    begin = time.monotonic()
    with Client(steady) as client:
        assert served(client)
    assert time.monotonic() - begin < 5
    for peer in peers:
        peer.sock.close()


def test_last_words_are_read_though_more_was_sent(steady):
    """A socket closed with octets unread resets the connection, and GOAWAY may be lost."""
    with Client(steady) as client:
        client.sock.sendall(b"\0\0\5\6\0\0\0\0\0wrong")
        for _ in range(4):
            time.sleep(0.1)
            client.sock.sendall(b"x" * 1000)
        assert client.read(lambda: goaway(client))
        assert goaway(client)[0].error_code == h2.errors.ErrorCodes.FRAME_SIZE_ERROR


def test_a_peer_that_reads_slowly_has_timeout_and_not_keepalive(start, worker):
    """gunicorn's own classes write with the time-out of the last read."""
    server = start(*worker, "--timeout", "20", "--keep-alive", "1")
    with Client(server) as client:
        client.conn.increment_flow_control_window(2**31 - 1 - 65535)
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        client.request(1, "/big?30000000")
        time.sleep(1.5)  # nothing is read for longer than keepalive
        client.credit = False
        assert client.read(client.ended(), 60)
        assert len(client.body()) == 30_000_000


def test_a_peer_that_reads_nothing_is_cut_off_after_timeout(start, worker):
    server = start(*worker, "--timeout", "3", "--keep-alive", "30", "--threads", "1")
    with Client(server) as other:
        assert served(other)
        before = server.descriptors()
        client = Client(server, credit=False)
        client.conn.increment_flow_control_window(2**31 - 1 - 65535)
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        client.request(1, "/big?30000000")
        wait_until(lambda: server.descriptors() > before)
        began = time.monotonic()
        assert served(other, 3)
        wait_until(lambda: server.descriptors() <= before)
        assert time.monotonic() - began > 2
        assert not client.read(client.ended(), 30)
        client.sock.close()


def test_a_response_that_waits_for_window_does_not_stop_others(steady):
    """On gevent a wait in C would stop them all."""
    with Client(steady, credit=False) as stalled, Client(steady) as other:
        stalled.request(1, "/big?1000000")
        assert stalled.read(lambda: len(stalled.body()) == 65535)
        for stream_id in (1, 3, 5):
            assert served(other, stream_id, 4)


def test_a_body_that_is_waited_for_does_not_stop_others(steady):
    with Client(steady) as stalled, Client(steady) as other:
        stalled.request(1, "/echo", "POST", end_stream=False)
        stalled.data(1, b"part")
        for stream_id in (1, 3, 5):
            assert served(other, stream_id, 4)
        stalled.data(1, b" and rest", end_stream=True)
        assert stalled.read(stalled.ended())
        assert stalled.body() == b"part and rest"


def test_early_hints(steady):
    with Client(steady) as client:
        client.request(1, "/hints")
        assert client.read(client.ended())
        [hints] = client.found(h2.events.InformationalResponseReceived)
        assert dict(hints.headers)[":status"] == "103"
        assert client.body() == b"Hello, world!"


@cleartext
def test_requests_behind_an_h2c_upgrade_are_served(start, worker):
    """gunicorn's own classes lose them."""
    server = start(*worker, "--http2-cleartext", "upgrade", "--forwarded-allow-ips", "127.0.0.1", tls=False)
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    settings = conn.initiate_upgrade_connection()
    conn.send_headers(3, [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/hello")], True)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                     b"HTTP2-Settings: " + settings + b"\r\n\r\n" + conn.data_to_send())
        received = b""
        while b"\r\n\r\n" not in received:
            received += sock.recv(65536)
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        events = list(conn.receive_data(rest)) if rest else []
        while {e.stream_id for e in events if isinstance(e, h2.events.StreamEnded)} != {1, 3}:
            data = sock.recv(65536)
            assert data
            events += conn.receive_data(data)
    assert base64.urlsafe_b64decode(settings + b"==")
    for stream_id in (1, 3):
        assert b"".join(
            e.data for e in events if isinstance(e, h2.events.DataReceived) and e.stream_id == stream_id) == b"Hello, world!"


@cleartext
def test_prior_knowledge(start, worker):
    server = start(*worker, "--http2-cleartext", "prior-knowledge", "--forwarded-allow-ips", "127.0.0.1", tls=False)
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.data(1, b"body", end_stream=True)
        assert client.read(client.ended())
        assert client.body() == b"body"


def test_HTTP_1_is_served_beside(steady):
    context = ssl.create_default_context(cafile=str(steady.certificate.authority))
    with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as plain, \
            context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        for connection in (b"keep-alive", b"close"):
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: " + connection + b"\r\n\r\n")
            received = b""
            while b"Hello, world!" not in received:
                part = sock.recv(65536)
                assert part
                received += part
            assert received.startswith(b"HTTP/1.1 200")
        assert sock.recv(1) == b""


def test_the_TLS_context_is_made_once(start, worker):
    """gunicorn's own gthread makes one a connection."""
    server = start(*worker, config=CONTEXTS)
    for _ in range(4):
        with Client(server) as client:
            assert served(client)
    assert server.log.count("made a context") == 1


def test_a_renewed_certificate_is_served_at_once(start, tmp_path):
    """As with gunicorn's own gthread, which reads it for each connection."""
    one = Certificate(tmp_path)
    server = start("-k", "fasth2.gunicorn.gthread", "--certfile", str(one.cert), "--keyfile", str(one.key))
    server.certificate = one
    with Client(server) as client:
        assert served(client)
    renewed = tmp_path / "renewed"
    renewed.mkdir()
    other = Certificate(renewed)
    for mine, its in ((one.cert, other.cert), (one.key, other.key)):
        shutil.copy(its, mine)
    server.certificate = other
    with Client(server) as client:
        assert served(client)
