"""TERM, HUP, QUIT, INT, USR2, TTIN, TTOU and ``max_requests`` under load, and what becomes of the requests."""
import contextlib
import os
import re
import signal
import socket
import ssl
import time

import h2.connection
import h2.events
import pytest

from tests.gunicorn.native.faults.conftest import SLOW
from tests.gunicorn.native.faults.test_slow_calls import all_ended, ask
from tests.load.crowd import Crowd
from tests.support.tls_client import Client
from tests.wsgi.in_process import until


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


def pids(server):
    """The workers that were started so far."""
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", server.log)]


def is_running(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2] if SLOW else [2])
def test_reload_and_shutdown(run, begun, workers):
    with run("--workers", str(workers), "--graceful-timeout", "5", "--keep-alive", "20",
             env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 6)
        try:
            crowd.wait_for_answers(100)
            server.process.send_signal(signal.SIGHUP)
            crowd.wait_for_new_connections()
            crowd.reconnects = False
            server.terminate()
            assert server.process.wait(30) == 0
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
        assert all(connection.goodbyes() for connection in crowd.connections)
    assert "[ERROR]" not in server.log


def test_max_requests(run, begun):
    with run("--max-requests", "100", "--max-requests-jitter", "20", "--graceful-timeout", "5", "--workers", "2",
             env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        try:
            while server.log.count("Booting worker") < 4:
                crowd.wait_for_answers(20)
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log


def test_an_idle_worker_stops_at_once(run):
    """Though clients are connected that say nothing, and some that have never said anything."""
    with run("--graceful-timeout", "20") as server, Client(server) as client:
        ask(client, "/hello")
        assert client.read(client.ended())
        server.terminate()
        assert client.read(lambda: len(client.found(h2.events.ConnectionTerminated)) > 0)
        assert not client.found(h2.events.ConnectionTerminated)[0].error_code
        # It is closed after what was said; a client that waits for that sees it.
        assert not client.read(lambda: False, 5)
        client.sock.close()
        server.process.wait(5)
        assert server.process.returncode == 0


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_a_connection_that_was_accepted_is_served(run, protocol):
    """The handshake, and the first request, come when the worker has been told to stop."""
    with run("--graceful-timeout", "10", "--timeout", "20") as server, \
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        with Client(server) as client:
            ask(client, "/hello")
            assert client.read(client.ended())
        server.terminate()
        time.sleep(0.5)
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols([protocol])
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
            if protocol == "h2":
                conn = h2.connection.H2Connection()
                conn.initiate_connection()
                conn.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "a"),
                                      (":path", "/hello")], end_stream=True)
                sock.sendall(conn.data_to_send())
            else:
                sock.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while data := sock.recv(65536):
                answer += data
        assert b"Hello, world!" in answer
        assert server.process.wait(10) == 0
    assert "[ERROR]" not in server.log


def test_slow_calls_are_waited_for(run):
    with run("--graceful-timeout", "10") as server, Client(server, patient=True) as client:
        ids = ask(client, "/hold?1.5", "/hold?2", "/parts?0.3")
        time.sleep(0.3)
        server.terminate()
        time.sleep(0.3)
        # Some clients take nothing after a goodbye: there is none while a request is open.
        assert not client.read(lambda: client.found(h2.events.ConnectionTerminated), 0.1)
        ids += ask(client, "/hello", first=7)
        assert client.read(all_ended(client, ids))
        assert [client.status(stream_id) for stream_id in ids] == ["200"] * 4
        goodbyes = client.found
        assert client.read(lambda: goodbyes(h2.events.ConnectionTerminated))
        # What is on its way then is served still.
        ids += ask(client, "/hello", first=9)
        assert client.read(all_ended(client, ids))
        assert client.read(lambda: goodbyes(h2.events.ConnectionTerminated)[-1].last_stream_id == 9)
        client.read(lambda: False, 5)
        client.sock.close()
        assert server.process.wait(10) == 0
    assert "[ERROR]" not in server.log


def test_calls_without_end_are_not_waited_for_longer_than_the_time_for_it(run):
    with run("--graceful-timeout", "1", "--timeout", "30") as server, Client(server) as client:
        ask(client, "/block", "/hello")
        assert client.read(client.ended(3))
        began = time.monotonic()
        server.terminate()
        server.process.wait(15)
        assert 0.5 < time.monotonic() - began < 12


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_stop_at_once(run, number):
    with run("--graceful-timeout", "30") as server, Client(server) as client:
        ask(client, "/hold?20", "/hello")
        assert client.read(client.ended(3))
        server.process.send_signal(number)
        assert server.process.wait(10) == 0


def test_more_workers_and_fewer(run, begun):
    with run("--graceful-timeout", "5", env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        try:
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGTTIN)
            assert until(lambda: len(pids(server)) == 2)
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGTTOU)
            assert until(lambda: sum(map(is_running, pids(server))) == 1)
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log


def test_another_master(run, begun, tmp_path):
    """USR2 starts one beside the first; TERM to the old one hands over."""
    with run("--graceful-timeout", "5", "--pid", str(tmp_path / "pid"),
             env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        new = None
        try:
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGUSR2)
            assert until(lambda: len(pids(server)) == 2 and (tmp_path / "pid.2").exists())
            new = int((tmp_path / "pid.2").read_text())
            server.terminate()
            assert server.process.wait(20) == 0
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
            if new is not None:
                os.kill(new, signal.SIGTERM)
                assert until(lambda: not is_running(new))
        assert not faults
    assert "[ERROR]" not in server.log
