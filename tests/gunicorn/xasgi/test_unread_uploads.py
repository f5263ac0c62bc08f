"""An upload that is answered without being read: what the client is told, and when."""
import time

import h2.errors
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import CONCURRENT, serve
from tests.support.tls_client import Client

CLASSES = [setup for setup in CONCURRENT if setup.way == "own"]
PLACES = [(setup, "asyncio") for setup in CLASSES] + [(CLASSES[-1], "uvloop")]


@pytest.fixture(params=PLACES, ids=lambda place: "-".join(map(str, place)))
def server(request, servers):
    return servers(*request.param)


def answered(client, path="/hello"):
    """Begin an upload, and read the answer to it."""
    client.request(1, path, "POST", end_stream=False)
    client.data(1, bytes(16000))
    assert client.read(lambda: bool(client.found(h2.events.StreamEnded, 1)))
    assert client.body() == b"Hello, world!"


def resets(client):
    return client.found(h2.events.StreamReset, 1)


def test_a_client_that_ends_its_upload_gets_no_reset(server):
    with Client(server) as client:
        answered(client)
        client.data(1, bytes(16000), end_stream=True)
        # What is sent behind shows that nothing is on its way.
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        client.read(lambda: bool(resets(client)), wait=2.5)
        assert not resets(client)


def test_one_that_goes_on_gets_it_after_64_KiB(server):
    """Less than that where its window is used up before."""
    with Client(server) as client:
        answered(client)
        began = time.monotonic()
        while client.conn.local_flow_control_window(1) >= 10000 and not resets(client):
            client.data(1, bytes(10000))
        client.data(1, bytes(client.conn.local_flow_control_window(1)))
        assert client.read(lambda: bool(resets(client)))
        assert resets(client)[0].error_code == h2.errors.ErrorCodes.NO_ERROR
        assert time.monotonic() - began < 10
        # The stream gets no window any more, the connection does.
        assert not client.found(h2.events.WindowUpdated, 1)


def test_one_that_sends_nothing_gets_it_after_two_seconds(server):
    with Client(server) as client:
        answered(client)
        assert not client.read(lambda: bool(resets(client)), wait=1)
        assert client.read(lambda: bool(resets(client)))
        assert resets(client)[0].error_code == h2.errors.ErrorCodes.NO_ERROR


@pytest.mark.parametrize("setup", CLASSES[-1:], ids=str)
def test_seconds_and_octets_of_unread_uploads_are_settings(setup, tmp_path, certificate):
    env = {"FASTH2_UNREAD_UPLOAD_SECONDS": "30", "FASTH2_UNREAD_UPLOAD_OCTETS": "5000"}
    with serve(setup, tmp_path, certificate, env=env) as server, Client(server) as client:
        answered(client)
        assert not client.read(lambda: bool(resets(client)), wait=2.5)
        client.data(1, bytes(5000))
        assert client.read(lambda: bool(resets(client)))


@pytest.mark.parametrize("setup", CLASSES[-1:], ids=str)
def test_a_worker_that_stops_waits_for_it(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--graceful-timeout", "20") as server, Client(server, patient=True) as client:
        answered(client)
        server.terminate()
        assert client.read(lambda: bool(resets(client)))
        assert client.read(lambda: len(client.found(h2.events.ConnectionTerminated)) > 1)
        assert server.process.wait(10) == 0


@pytest.mark.parametrize("setup", CLASSES[-1:], ids=str)
@pytest.mark.parametrize("seconds", ["1", "3"])
def test_a_silent_client_is_not_idle_for_ever(setup, seconds, tmp_path, certificate):
    """``keepalive`` ends the connection after the upload was reset, whichever of the two is longer."""
    env = {"FASTH2_UNREAD_UPLOAD_SECONDS": seconds}
    with serve(setup, tmp_path, certificate, "--keep-alive", "1", env=env) as server, Client(server) as client:
        client.request(1, "/hello", "POST", [("content-length", "1000000")], end_stream=False)
        assert client.read(lambda: bool(client.found(h2.events.ConnectionTerminated)), wait=20)
        assert resets(client)[0].error_code == h2.errors.ErrorCodes.NO_ERROR
