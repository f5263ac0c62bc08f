"""Clients that stall, vanish, dribble and flood, in each state of a connection."""
import contextlib
import os
import socket
import ssl
import struct
import time

import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import pytest

from tests.support.tls_client import Client
from tests.support.waiting import settled, until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TIMEOUT = 2
KEEPALIVE = 2


@pytest.fixture(scope="module")
def strict(run):
    """A server that waits for nobody long; it is up again whatever a test did to it."""
    with run("--timeout", str(TIMEOUT), "--keep-alive", str(KEEPALIVE)) as server:
        yield server
        assert "[ERROR]" not in server.log
        assert len(server.workers) == 1


@pytest.fixture(scope="module")
def clear(run):
    """The same without TLS."""
    with run("--timeout", str(TIMEOUT), "--keep-alive", str(KEEPALIVE), tls=False) as server:
        yield server
        assert "[ERROR]" not in server.log


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def is_closed(sock, wait=TIMEOUT + 4.0):
    """Whether the server closes a connection, whatever it says before."""
    sock.settimeout(wait)
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while sock.recv(65536):
            pass
    return True


def reset(sock):
    """Close without a goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def wide_open(client):
    """Have only the socket stop the server."""
    client.credit = False
    client.conn.increment_flow_control_window(2**31 - 1 - 65535)
    client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})


def in_handshake(server):
    sock = connect(server)
    sock.sendall(b"\x16\x03\x01\x02")
    return sock


def idle(server):
    client = Client(server)
    client.request(1, "/hello")
    assert client.read(client.ended())
    return client.sock


def in_headers(server):
    client = Client(server)
    client.sock.sendall(b"\0\0\x40\1\4\0\0\0\1" + b"\x82")
    return client.sock


def in_upload(server):
    client = Client(server)
    client.request(1, "/echo", "POST", end_stream=False)
    client.data(1, b"half")
    return client.sock


def in_call(server):
    client = Client(server)
    client.request(1, "/hold?0.3")
    return client.sock


def in_download(server):
    client = Client(server)
    wide_open(client)
    client.request(1, "/stream?100000000")
    assert client.read(lambda: client.body())
    return client.sock


def without_window(server):
    client = Client(server, credit=False)
    client.request(1, "/stream?100000000")
    assert client.read(lambda: len(client.body()) == 65535)
    return client.sock


STATES = [connect, in_handshake, idle, in_headers, in_upload, in_call, in_download, without_window]


@pytest.mark.parametrize("way", ["vanishes", "resets", "closes"])
def test_a_peer_goes_in_any_state(strict, way):
    """Nothing is left of it, neither a descriptor nor a thread. All at once, since it is time that has to pass."""
    idle(strict).close()
    assert until(lambda: "HTTP/2 by" in strict.log)
    before = settled(strict.descriptors)
    with contextlib.ExitStack() as stack:
        for _ in range(1 if way == "vanishes" else 3):
            socks = [stack.enter_context(state(strict)) for state in STATES]
            if way != "vanishes":
                # Otherwise it neither reads nor writes any more, though the kernel acknowledges what it is sent.
                for sock in socks:
                    reset(sock) if way == "resets" else sock.close()
        with Client(strict) as other:
            other.request(1, "/hello")
            assert other.read(other.ended())
        assert until(lambda: strict.descriptors() <= before, 20)
    with Client(strict) as other:
        ids = range(1, 9, 2)
        for stream_id in ids:
            other.request(stream_id, "/hold?0.05")
        assert other.read(lambda: all(other.ended(stream_id)() for stream_id in ids))


def all_are_closed(server, beginnings):
    """Whether the server closes connections that begin so. All at once, since it is time that has to pass."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connect(server)) for _ in beginnings]
        for sock, octets in zip(socks, beginnings):
            sock.sendall(octets)
        return all(is_closed(sock) for sock in socks)


def test_a_handshake_that_stalls_or_is_none(strict):
    hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"
    assert all_are_closed(strict, [
        b"", hello, b"GET / HTTP/1.1\r\n\r\n", os.urandom(300), PREFACE, b"\x15\x03\x01\0\2\2\x28"])


def test_a_handshake_by_single_octets(strict):
    """It takes its time, but no longer than it may."""
    with connect(strict) as sock:
        began = time.monotonic()
        try:
            for octet in b"\x16\x03\x01\x02\0" + b"\x01" * 500:
                sock.sendall(bytes([octet]))
                time.sleep(0.05)
                assert time.monotonic() < began + TIMEOUT + 5
        except ConnectionError:
            return
        raise AssertionError("it was let go on")


def test_what_is_no_preface_or_stops_after_it(clear):
    assert all_are_closed(clear, [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", b"PRI * HTTP/1.1\r\n\r\n", PREFACE + b"GET / HTTP/1.1\r\n\r\n",
        bytes(100) + b"\r\n\r\n", PREFACE[:20], b"", PREFACE, PREFACE + bytes(9) + b"\0\0\1\6"])


def test_plain_clients_that_do_not_close(clear):
    """The worker lives, though it waits for each of them a while."""
    before = settled(clear.descriptors)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connect(clear)) for _ in range(6)]
        for sock in socks:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for sock in socks:
            assert b"".join(iter(lambda sock=sock: sock.recv(65536), b"")).endswith(b"Hello, world!")
        # Until it has waited for the last.
        assert until(lambda: clear.descriptors() <= before, 20)
    assert len(clear.workers) == 1


@pytest.mark.parametrize("over", ["strict", "clear"])
def test_headers_that_dribble(over, request):
    server = request.getfixturevalue(over)
    with Client(server) as client:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for octet in b"\0\0\xff\1\4\0\0\0\1" + b"\x40" + bytes(250):
                client.sock.sendall(bytes([octet]))
                time.sleep(0.05)
                assert time.monotonic() < began + KEEPALIVE + 5
        assert time.monotonic() > began + KEEPALIVE - 1
        assert is_closed(client.sock)


def test_a_stream_without_window_is_reset_and_its_connection_kept(strict):
    with Client(strict, credit=False) as client:
        client.request(1, "/stream?1000000")
        assert client.read(lambda: len(client.body()) == 65535)
        assert client.read(client.ended(1), TIMEOUT + 4)
        [end] = client.found(h2.events.StreamReset, 1)
        assert end.error_code == h2.errors.ErrorCodes.CANCEL
        client.credit = True
        client.conn.increment_flow_control_window(65535)
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"


def test_windows_of_single_octets(strict):
    """They are legal; the worker neither fails nor forgets its other clients."""
    with Client(strict, credit=False) as client:
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1})
        client.flush()
        assert client.read(lambda: client.found(h2.events.SettingsAcknowledged))
        client.request(1, "/hello")
        for size in range(1, 14):
            assert client.read(lambda size=size: len(client.body()) == size)
            if size < 13:
                client.conn.increment_flow_control_window(1, 1)
                client.flush()
        assert client.read(client.ended())
        assert client.body() == b"Hello, world!"
        with Client(strict) as other:
            other.request(1, "/hello")
            assert other.read(other.ended())


@pytest.mark.parametrize("path", ["/hello", "/hold?0.01", "/stream?1000000"])
def test_rapid_resets(strict, path):
    """The connection is ended for it; calls that were begun end, and others are served."""
    with Client(strict) as client:
        try:
            for stream_id in range(1, 8001, 2):
                client.request(stream_id, path)
                client.conn.reset_stream(stream_id)
                client.flush()
        except (ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass
        with contextlib.suppress(ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError):
            client.read(lambda: client.found(h2.events.ConnectionTerminated))
        # Where the server closed first, its GOAWAY may be lost.
        for event in client.found(h2.events.ConnectionTerminated):
            assert event.error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
    with Client(strict) as other:
        ids = range(1, 9, 2)
        for stream_id in ids:
            other.request(stream_id, "/hold?0.05")
        assert other.read(lambda: all(other.ended(stream_id)() for stream_id in ids))


def test_a_body_that_dribbles_holds_one_thread(strict):
    """The others serve; the pieces are no longer apart than the time-out, and keep the minimum rate."""
    with Client(strict) as slow:
        slow.request(1, "/echo", "POST", end_stream=False)
        for _ in range(15):
            slow.data(1, b"x" * 1000)
            time.sleep(0.2)  # all of them take longer than the time-out
            with Client(strict) as other:
                other.request(1, "/hello")
                assert other.read(other.ended())
        slow.data(1, b"", end_stream=True)
        assert slow.read(slow.ended())
        assert slow.body() == b"x" * 15000
