"""Uploads over a link of 50 milliseconds: the windows of our workers adapt to it."""
import hashlib
import json
import types

import h2.events
import pytest

from tests.support.relay import Relay
from tests.support.tls_client import Client

DELAY = 0.025
CLASSES = ["WSGIWorker", "gthread", "gevent", "asgi"]


@pytest.fixture
def serve(start, worker_class):
    """Start a server with one of our worker classes."""
    def serve(*options, env=None):
        kind, app = ("asgi", ("--asgi-lifespan", "off")) if worker_class == "asgi" else ("wsgi", ("--threads", "2"))
        return start("-k", f"fasth2.gunicorn.{worker_class}", *app, *options, app=f"tests.support.{kind}_app:app", env=env)
    return serve


def upload(server, size):
    """Send a body through a relay; return the most that the stream's window, and the connection's, ever had."""
    highest = [0, 0]
    with Relay(server.port, DELAY) as relay, Client(
            types.SimpleNamespace(port=relay.port, certificate=server.certificate)) as client:
        client.request(1, "/digest", "POST", [("content-length", str(size))], end_stream=False)
        left = size
        while left:
            windows = (
                client.conn.streams[1].outbound_flow_control_window, client.conn.outbound_flow_control_window)
            highest = [max(pair) for pair in zip(highest, windows)]
            part = min(left, 16384, *windows)
            if part <= 0:
                client.events.clear()
                assert client.read(lambda: client.found(h2.events.WindowUpdated))
                continue
            left -= part
            client.data(1, bytes(part), end_stream=not left)
        assert client.read(client.ended(1))
        assert client.body().decode() == hashlib.sha256(bytes(size)).hexdigest()
    return highest


def counters(server):
    with Client(server) as client:
        client.request(1, "/about")
        assert client.read(client.ended(1))
        return json.loads(client.body())["counters"]


@pytest.mark.parametrize("worker_class", CLASSES)
def test_windows_grow_and_what_they_grow_by_is_given_back(serve):
    server = serve()
    stream, connection = upload(server, 8_000_000)
    assert stream > 4 * 65535
    assert connection > 4 * 65535
    assert counters(server)["window_growth"] == 0


@pytest.mark.parametrize("worker_class", CLASSES)
@pytest.mark.parametrize(("options", "env", "most"), [
    ((), {"FASTH2_ADAPTIVE_WINDOWS": "0"}, 65535),
    ((), {"FASTH2_CONNECTION_WINDOW": "70000"}, 70000),
    (("--http2-initial-window-size", "65535"), {}, 65535),
], ids=["switched off", "the connection's window is set", "a stream's window is set"])
def test_windows_that_the_operator_has_fixed_stay(serve, options, env, most):
    server = serve(*options, env=env)
    stream, connection = upload(server, 400_000)
    assert stream <= 65535
    assert connection <= most
    assert "window_growth" not in counters(server)


@pytest.mark.parametrize("worker_class", CLASSES)
def test_the_bounds_are_settings(serve):
    server = serve(env={
        "FASTH2_MAX_STREAM_WINDOW": "100000", "FASTH2_MAX_CONNECTION_WINDOW": "150000"})
    stream, connection = upload(server, 3_000_000)
    assert stream <= 100_000
    assert connection <= 150_000
    found = counters(server)
    assert found["stream_window_growth"] >= 1
    assert found["connection_window_growth"] >= 1


@pytest.mark.parametrize("worker_class", CLASSES)
def test_the_bound_of_the_process_is_a_setting(serve):
    server = serve(env={"FASTH2_MAX_WINDOW_GROWTH": "20000"})
    # The connection's window, or those of its streams where that one is credited for what has only arrived.
    assert min(upload(server, 1_500_000)) <= 65535 + 20000
    assert counters(server)["process_window_growth"] >= 1
