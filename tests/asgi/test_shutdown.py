"""TERM, and the last request of a worker: nothing that was accepted is lost."""
import time

import h2.errors
import h2.events
import pytest

import fasth2.config
import fasth2.connection
import fasth2.events
from tests.asgi.conftest import SETUPS, ask, serve
from tests.support.tls_client import Client

CLASSES = [setup for setup in SETUPS if setup.way == "class"]


@pytest.fixture(params=SETUPS, ids=str)
def server(request, tmp_path, certificate):
    with serve(request.param, tmp_path, certificate, "--keep-alive", "20", "--graceful-timeout", "10") as server:
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


class Patient(Client):
    """A client that goes on after GOAWAY, as RFC 9113 section 6.8 has it and h2 does not."""

    def __init__(self, server):
        super().__init__(server)
        config = fasth2.config.H2Configuration(client_side=True, header_encoding="utf-8", rfc_errors=True)
        client = fasth2.connection.H2Connection(config)
        client.initiate_connection()
        # The preface has gone out already.
        client.data_to_send()
        self.conn = client

    def found(self, kind, stream_id=None):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        return super().found(tuple(getattr(fasth2.events, each.__name__) for each in kinds), stream_id)


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_a_request_that_crosses_the_GOAWAY_is_served(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "20", "--graceful-timeout", "10") as server:
        with Patient(server) as client:
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
        with Patient(server) as client:
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
