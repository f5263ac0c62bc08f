"""How a worker ends its application: streams that do not end, the lifespan; and that it is not taken for dead meanwhile."""
import os
import socket
import threading

import h2.connection
import h2.events
import pytest

from tests.gunicorn.patched.asgi.setups import SETUPS
from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import until, wait_until

CLASSES = [setup for setup in SETUPS if setup.way == "class"]
PLACES = [(setup, "asyncio") for setup in CLASSES] + [(CLASSES[-1], "uvloop")]

APP = """
import asyncio, os, time

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
    elif scope["path"] == "/silent":
        try:
            await asyncio.sleep(1000)
        finally:
            note("task cancelled")
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
"""


@pytest.fixture
def serve(tmp_path, certificate):
    """Start a server of `APP`."""
    (tmp_path / "stops.py").write_text(APP)

    def serve(place, *options, app="stops:app"):
        setup, loop = place
        return setup.start(tmp_path, "", app, "--asgi-loop", loop, "--keep-alive", "20", *options, certificate=certificate)

    return serve


def name(place):
    return "-".join(map(str, place))


@pytest.mark.parametrize("place", PLACES, ids=name)
def test_streams_that_do_not_end_are_cancelled_in_time_for_the_applications_end(serve, place, tmp_path):
    with serve(place, "--graceful-timeout", "6", "--timeout", "30") as server:
        with Client(server, patient=True) as client:
            client.request(1, "/events")
            client.request(3, "/silent")
            assert client.read(lambda: b"event" in client.body(1))
            server.terminate()
            assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=10)
            assert not client.closed
            client.read(lambda: False, wait=10)
            assert client.found(h2.events.StreamReset, 1)
        assert server.process.wait(10) == 0
        notes = (tmp_path / "notes").read_text().split("\n")
        assert sorted(notes[:2]) == ["generator closed", "task cancelled"]
        assert notes[2] == "lifespan shutdown"
        assert "SIGKILL" not in server.log


@pytest.mark.parametrize("place", PLACES, ids=name)
def test_a_worker_that_waits_long_for_its_end_is_not_taken_for_dead(serve, place):
    """``graceful_timeout`` may be longer than ``timeout``."""
    with serve(place, "--graceful-timeout", "12", "--timeout", "2") as server:
        with Client(server, patient=True) as client:
            client.request(1, "/events")
            assert client.read(client.body)
            pid = server.workers[0]
            server.reload()
            assert until(lambda: len(server.workers) == 2)
            # The arbiter looks once a second; twice the time-out has to pass.
            assert not until(lambda: "WORKER TIMEOUT" in server.log, 4)
            os.kill(pid, 0)


@pytest.mark.parametrize("place", PLACES, ids=name)
def test_no_connection_is_lost_when_workers_change_after_max_requests(serve, place):
    """Each connection asks once; none is dropped in its TLS handshake, none accepted to be refused."""
    failures, answered = [], []

    def clients(server):
        for _ in range(25):
            try:
                with Client(server, patient=True) as client:
                    client.request(1, "/")
                    assert client.read(client.ended())
                    assert client.status() == "200", client.events
                    answered.append(client.body())
            except Exception as exc:
                failures.append(repr(exc))

    with serve(place, "--max-requests", "20", "--graceful-timeout", "10", "--workers", "2") as server:
        threads = [threading.Thread(target=clients, args=(server,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not failures
        assert len(answered) == 150
        assert len(set(answered)) > 2


@pytest.mark.parametrize("place", [PLACES[0], PLACES[-1]], ids=name)
def test_a_failed_handshake_and_connections_that_are_closed_do_not_hold_a_worker(serve, place):
    with serve(place, "--graceful-timeout", "20", "--log-level", "debug") as server:
        for _ in range(3):
            # gunicorn 25 closes these itself, and goes on counting them.
            assert curl(server, "/", "-H", "Connection: close", http="--http1.1")
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(b"\x16\x03\x01\x00\x05hello")
            wait_until(lambda: f"{sock.getsockname()[1]}) failed" in server.log)
            server.terminate()
            assert server.process.wait(4) == 0
        assert "Waiting for" not in server.log
