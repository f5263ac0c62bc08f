"""How workers end: TERM, HUP, ``max_requests``, time-outs; the lifespan and tasks that do not end by themselves."""
import os
import signal
import socket
import threading

import h2.events
import pytest

from tests.gunicorn.native.asking import ask, written
from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import until, wait_until

APP = """
import asyncio, os

def note(what):
    with open("notes", "a") as notes:
        notes.write(what + "\\n")

async def events(send):
    try:
        while True:
            yield b"event"
            await asyncio.sleep(0.05)
    finally:
        note("generator closed")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        note("lifespan shutdown")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/events":
        async for event in events(send):
            await send({"type": "http.response.body", "body": event, "more_body": True})
    elif scope["path"] == "/told":
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.body", "body": b" and ended"})
        return
    elif scope["path"] == "/silent":
        try:
            await asyncio.sleep(1000)
        finally:
            note("task cancelled")
    elif scope["path"] == "/blocks":
        import time
        time.sleep(1000)
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
"""


def with_app(serve, directory):
    (directory / "stops.py").write_text(APP)

    def with_it(*options, **keywords):
        return serve("--chdir", str(directory), "--keep-alive", "20", *options, app="stops:app", **keywords)

    return with_it


@pytest.fixture
def serving(serve, tmp_path):
    """Start a server of `APP`, of each version."""
    return with_app(serve, tmp_path)


@pytest.fixture
def newest(start, tmp_path):
    """Start a server of `APP`, of the newest version."""
    return with_app(start, tmp_path)


def last_streams(client):
    return [event.last_stream_id for event in client.found(h2.events.ConnectionTerminated)]


def test_streams_that_do_not_end_are_cancelled_in_time_for_the_applications_end(serving, tmp_path):
    server = serving("--graceful-timeout", "4", "--timeout", "30")
    with Client(server, patient=True) as client:
        client.request(1, "/events")
        client.request(3, "/silent")
        assert client.read(lambda: b"event" in client.body(1))
        server.terminate()
        assert client.read(client.ended(1))
        assert client.found(h2.events.StreamReset, 1)
        # Both GOAWAYs had come before.
        assert last_streams(client) == [2**31 - 1, 3]
    assert server.process.wait(10) == 0
    assert sorted(written(tmp_path / "notes")) == ["generator closed", "lifespan shutdown", "task cancelled"]
    assert written(tmp_path / "notes")[2] == "lifespan shutdown"
    assert "SIGKILL" not in server.log
    assert "Traceback" not in server.log


def test_requests_of_an_open_connection_are_served_until_the_final_goaway(newest):
    server = newest("--graceful-timeout", "10")
    with Client(server, patient=True) as client:
        ask(client, "/")
        server.terminate()
        assert client.read(lambda: last_streams(client) == [2**31 - 1])
        assert ask(client, "/")[0] == "200"
        assert client.read(lambda: last_streams(client) == [2**31 - 1, 3])
    assert server.process.wait(10) == 0


def test_an_idle_http_1_1_connection_does_not_hold_the_worker(newest):
    server = newest("--graceful-timeout", "20", tls=False)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        sock.recv(65536)
        server.terminate()
        assert server.process.wait(10) == 0


def test_a_failed_handshake_does_not_hold_the_worker(newest):
    server = newest("--graceful-timeout", "20", "--log-level", "debug")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05hello")
        wait_until(lambda: f"{sock.getsockname()[1]}) failed" in server.log)
        server.terminate()
        assert server.process.wait(5) == 0


def test_streams_are_told_of_a_shutdown_and_reset_streams_are_cancelled(newest, tmp_path):
    server = newest("--graceful-timeout", "20", env={"FASTH2_DISCONNECT_ON_SHUTDOWN": "0.1", "FASTH2_CANCEL_ON_RESET": "1"})
    with Client(server, patient=True) as client:
        client.request(1, "/silent")
        client.ping()
        client.conn.reset_stream(1)
        client.flush()
        assert written(tmp_path / "notes") == ["task cancelled"]
        client.request(3, "/told")
        assert client.read(lambda: client.body(3) == b"begun")
        server.terminate()
        assert client.read(client.ended(3))
        assert client.body(3) == b"begun and ended"
    assert server.process.wait(10) == 0


def test_the_grace_period_of_an_application_whose_client_is_gone(newest, tmp_path):
    server = newest("--asgi-disconnect-grace-period", "1")
    with Client(server) as client:
        client.request(1, "/silent")
        client.ping()
    assert written(tmp_path / "notes") == ["task cancelled"]
    assert "Traceback" not in server.log


def test_no_connection_is_lost_when_workers_change(serving):
    """Each connection asks once; none is dropped in its TLS handshake, none accepted to be refused."""
    server = serving("--max-requests", "15", "--max-requests-jitter", "5", "--graceful-timeout", "10", "--workers", "2")
    failures, answered = [], []

    def clients():
        for _ in range(15):
            try:
                with Client(server, patient=True) as client:
                    assert ask(client, "/")[0] == "200"
                    answered.append(client.body())
            except Exception as exc:
                failures.append(repr(exc))

    threads = [threading.Thread(target=clients) for _ in range(6)]
    for thread in threads:
        thread.start()
    server.reload()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert len(answered) == 90
    assert len(set(answered)) > 3
    assert "SIGSEGV" not in server.log
    assert "SIGKILL" not in server.log


def test_requests_of_both_protocols_count(newest):
    server = newest("--max-requests", "4")
    with Client(server, patient=True) as client:
        ask(client, "/")
        first = client.body()
        assert curl(server, "/", http="--http1.1") == first
        ask(client, "/")
        assert ask(client, "/")[1] == first
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
    assert server.log.count("Autorestarting worker after current request.") == 1
    wait_until(lambda: len(server.workers) == 2)
    assert curl(server, "/") != first


def test_a_worker_that_blocks_is_killed(newest):
    server = newest("--timeout", "2")
    with Client(server) as client:
        client.request(1, "/blocks")
        wait_until(lambda: "WORKER TIMEOUT" in server.log)
    wait_until(lambda: len(server.workers) == 2)
    assert curl(server, "/") == b"%d" % server.workers[1]


def test_quit_is_at_once(newest, tmp_path):
    server = newest("--graceful-timeout", "20")
    with Client(server) as client:
        client.request(1, "/events")
        assert client.read(client.body)
        server.process.send_signal(signal.SIGQUIT)
        assert server.process.wait(5) == 0
    assert written(tmp_path / "notes") == ["generator closed"]


def test_keep_alive(start):
    server = start("--keep-alive", "1")
    with Client(server) as client:
        ask(client, "/hello")
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        assert client.read(lambda: client.closed) or client.closed


def test_a_maximum_age(start):
    server = start("--keep-alive", "60", env={"FASTH2_MAX_CONNECTION_AGE": "1"})
    with Client(server, patient=True) as client:
        ask(client, "/hello")
        assert client.read(lambda: len(last_streams(client)) == 2)
        assert last_streams(client) == [2**31 - 1, 1]


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_lifespan_that_fails_ends_the_worker(start, tmp_path, mode):
    (tmp_path / "failing.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'on purpose'})\n")
    with pytest.raises(RuntimeError, match="on purpose|did not start"):
        server = start("--asgi-lifespan", mode, "--chdir", str(tmp_path), app="failing:app")
        # gunicorn tells it after the worker has booted.
        assert until(lambda: server.process.poll() == 3)
        raise RuntimeError("did not start")


def test_without_a_lifespan(start, tmp_path):
    (tmp_path / "plain.py").write_text(
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': repr('state' in scope).encode()})\n")
    for mode in ("auto", "off"):
        server = start("--asgi-lifespan", mode, "--chdir", str(tmp_path), app="plain:app")
        with Client(server) as client:
            assert ask(client, "/") == ("200", b"True")


def test_descriptors_are_given_back(start):
    server = start()
    curl(server, "/hello")
    before = server.descriptors()
    for http in ("--http2", "--http1.1"):
        for _ in range(5):
            curl(server, "/hello", http=http)
    wait_until(lambda: server.descriptors() <= before)
    os.kill(server.workers[0], 0)
