"""TERM, and the last request of a worker: nothing that was accepted is lost."""
import time

import h2.errors
import h2.events
import pytest

from tests.gunicorn.patched.asgi.conftest import SETUPS, ask, serve
from tests.support.tls_client import Client

CLASSES = [setup for setup in SETUPS if setup.way == "class"]


@pytest.fixture(params=SETUPS, ids=str)
def server(request, tmp_path, certificate):
    with serve(request.param, tmp_path, certificate, "--keep-alive", "20", "--graceful-timeout", "4") as server:
        yield server


def test_TERM_lets_a_request_finish_and_says_GOAWAY(server):
    with Client(server) as client:
        ask(client, 1, "/show")
        client.request(3, "/waits")
        time.sleep(0.2)
        server.terminate()
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
        client.read(lambda: False, wait=5)
        goaway = client.found(h2.events.ConnectionTerminated)
        assert goaway[-1].error_code == h2.errors.ErrorCodes.NO_ERROR
        assert goaway[-1].last_stream_id >= 3
    assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_a_request_that_crosses_the_GOAWAY_is_served(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "20", "--graceful-timeout", "10") as server:
        with Client(server, patient=True) as client:
            client.request(1, "/show")
            assert client.read(client.ended(1))
            server.terminate()
            assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=3)
            # Sent as by a client that has not read it yet.
            client.request(3, "/waits")
            assert client.read(client.ended(3))
            assert client.body(3) == b"Hello, world!"
            client.read(lambda: False, wait=5)
            goaway = client.found(h2.events.ConnectionTerminated)
            assert [event.last_stream_id for event in goaway][:2] == [2**31 - 1, 3]
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_a_connection_that_is_always_busy_is_told_in_time(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "20", "--graceful-timeout", "4") as server:
        with Client(server, patient=True) as client:
            client.request(1, "/endless")
            assert client.read(client.body)
            server.terminate()
            assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=4)
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_an_idle_connection_does_not_hold_up_TERM(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "60", "--graceful-timeout", "30") as server:
        with Client(server) as client:
            ask(client, 1, "/show")
            server.terminate()
            assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=3)
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_max_requests(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "20", "--max-requests", "3") as server:
        with Client(server) as client:
            for stream_id in (1, 3, 5):
                assert ask(client, stream_id, "/show")["method"] == "GET"
            assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=5)
        for _ in range(4):
            with Client(server) as client:
                assert ask(client, 1, "/show")["method"] == "GET"
        assert "Autorestarting worker after current request." in server.log
