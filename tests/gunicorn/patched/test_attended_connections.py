"""A connection is seen to while its application runs: PINGs and SETTINGS are answered."""
import logging
import math
import socket
import threading
import time
import types

import h2.events
import h2.settings
import pytest
from gunicorn.config import Config

from fasth2.gunicorn.patched.batching import BatchingConnection
from fasth2.gunicorn.patched.serving import Serving
from fasth2.gunicorn.patched.sockets import PolledSocket
from tests.support.gate import Gate
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client

EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + EMPTY_SETTINGS

APP = "tests.gunicorn.patched.response_rules_app:app"


@pytest.fixture(scope="module", params=["gthread", "gevent"])
def server(request, tmp_path_factory, certificate):
    """A server of each of gunicorn's blocking workers, patched."""
    with Gunicorn(tmp_path_factory.mktemp("server"), APP, "-k", f"fasth2.gunicorn.{request.param}", "--threads", "2",
                  "--http-protocols", "h2,h1", certificate=certificate) as server:
        yield server


@pytest.fixture
def gate(tmp_path):
    """What the calls of a test wait for."""
    return Gate(tmp_path / "gate")


def test_PING_is_answered_while_the_application_runs(server, gate):
    with Client(server) as client:
        client.request(1, gate.target)
        gate.wait_for_calls()
        waits = [client.ping() for _ in range(5)]
        assert not client.ended()()
        # The others may have met a busy machine.
        assert min(waits) < 0.2
        gate.open()
        assert client.read(client.ended())
        assert client.body() == b"Hello, world!"
        assert client.ping() < 5


def test_SETTINGS_are_acknowledged_while_the_application_runs(server, gate):
    with Client(server) as client:
        client.request(1, gate.target)
        assert client.read(lambda: client.found(h2.events.SettingsAcknowledged))
        gate.wait_for_calls()
        client.events.clear()
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100_000})
        client.flush()
        assert client.read(lambda: client.found(h2.events.SettingsAcknowledged))
        assert not client.ended()()
        gate.open()
        assert client.read(client.ended())


def test_requests_that_come_meanwhile_are_served_afterwards(server, gate):
    with Client(server) as client:
        client.request(1, gate.target)
        gate.wait_for_calls()
        client.request(3, "/hello")
        client.request(5, "/slow?0.05")
        client.ping()
        gate.open()
        assert client.read(lambda: client.ended(1)() and client.ended(3)() and client.ended(5)())
        assert {client.status(n) for n in (1, 3, 5)} == {"200"}


def test_a_body_that_comes_meanwhile_is_read_afterwards(server, gate, tmp_path):
    body = bytes(range(256)) * 200
    with Client(server) as client:
        client.request(1, f"/gated-echo?{tmp_path / 'gate'}", "POST", end_stream=False)
        gate.wait_for_calls()
        client.upload(1, body)
        client.data(1, b"", end_stream=True)
        client.ping()
        gate.open()
        assert client.read(client.ended())
        assert client.body() == body


def test_a_pool_of_busy_connections_stays_in_order(server):
    """Applications that come and go while others see to their connections."""
    clients = [Client(server) for _ in range(4)]
    for stream_id in range(1, 41, 2):
        for client in clients:
            client.request(stream_id, f"/slow?{0.01 * (stream_id % 3)}")
            client.conn.ping(b"12345678")
            client.flush()
    for client in clients:
        assert client.read(lambda client=client: all(client.ended(n)() for n in range(1, 41, 2)), 60)
        assert all(client.body(n) == b"Hello, world!" for n in range(1, 41, 2))
        assert client.read(lambda client=client: len(client.found(h2.events.PingAckReceived)) == 20)
        client.sock.close()


def served(server):
    """A connection over a socket, and what serves it."""
    cfg = Config()
    worker = types.SimpleNamespace(cfg=cfg, fast_requests={}, alive=True, pings_keep=False, log=logging.getLogger("test"),
                                   overdue_at=lambda: math.inf)
    connection = BatchingConnection(cfg, server, ("192.0.2.1", 1), PolledSocket)
    return connection, Serving(worker, connection, server, ("192.0.2.1", 1), ("192.0.2.2", 2), threading.RLock())


def test_a_connection_that_a_thread_is_only_about_to_serve_is_left_alone():
    """gunicorn makes its socket block at any moment: a read would hold the worker's main thread as long as the peer likes."""

    class Blocking(socket.socket):
        def settimeout(self, value):
            super().settimeout(None)

        def setblocking(self, flag):
            super().setblocking(True)

    pair, client = socket.socketpair()
    server = Blocking(fileno=pair.detach())
    with server, client:
        _, serving = served(server)
        attending = threading.Thread(target=serving.process_input, daemon=True)
        attending.start()
        attending.join(5)
        held = attending.is_alive()
        client.sendall(b"x")
        attending.join(5)
        assert not held
        # Nobody has read it: the thread that serves the connection does.
        assert server.recv(1) == b"x"


def test_a_connection_whose_requests_go_on_is_left_alone():
    """A part of what the client sends next would be read, and its responses would be sent in two writes ever after."""
    server, client = socket.socketpair()
    with server, client:
        _, serving = served(server)
        serving.input_enabled = True
        client.sendall(PREFACE)
        for stream_id in (1, 3, 5):
            serving.last_served = stream_id  # a request was begun since the last call
            serving.process_input()
            assert server.recv(3, socket.MSG_PEEK) == b"PRI"
        serving.process_input()  # and none since this one
        with pytest.raises(BlockingIOError):
            server.recv(1)


def test_a_poll_is_due_a_while_after_the_last_read(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    server, client = socket.socketpair()
    with server, client:
        h2_conn, _ = served(server)
        client.sendall(PREFACE)
        assert h2_conn.receive_within(0) == []
        for _ in range(10):
            now += h2_conn.POLL_INTERVAL * 2
            client.sendall(EMPTY_SETTINGS)
            assert h2_conn.receive_within(0) == []
            client.sendall(EMPTY_SETTINGS)
            h2_conn.poll_input()
            assert server.recv(9) == EMPTY_SETTINGS
        client.sendall(EMPTY_SETTINGS)
        now += h2_conn.POLL_INTERVAL * 1.01
        h2_conn.poll_input()
        with pytest.raises(BlockingIOError):
            server.recv(1)


@pytest.mark.parametrize("kept", [False, True, "raw_env"])
def test_PINGs_keep_an_idle_connection_where_the_operator_says_so(start, blocking_worker, kept):
    env, config = {"FASTH2_KEEPALIVE_PINGS": "1" if kept else "0"}, None
    if kept == "raw_env":
        env, config = {}, 'raw_env = ["FASTH2_KEEPALIVE_PINGS=1"]\n'
    server = start(*blocking_worker, "--threads", "2", "--keep-alive", "2", app=APP, env=env, config=config)
    with Client(server, patient=True) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
        end = time.monotonic() + (5 if kept else 20)
        while time.monotonic() < end and not client.found(h2.events.ConnectionTerminated):
            client.conn.ping(b"12345678")
            client.flush()
            client.read(lambda: client.closed, 0.3)
        assert bool(client.found(h2.events.ConnectionTerminated)) == (not kept)
