"""Settings and counters of real servers."""
import json
import socket

import h2.events
import pytest

from tests.support.curl import curl
from tests.support.gunicorn_matrix import INSTALL
from tests.support.tls_client import Client

WORKER = ("-k", "fasth2.gunicorn.gthread")
ASGI_APP = "tests.support.asgi_app:app"


def ping_it_to_death(server, pings):
    with Client(server) as client:
        for _ in range(pings):
            client.conn.ping(b"12345678")
        client.flush()
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))


@pytest.mark.parametrize("how", ["file", "environment"])
def test_settings_of_a_server(start, how):
    """`-k` beside install() leaves what that has set."""
    config, env = None, {}
    if how == "file":
        config = INSTALL.replace(
            "install()", "install(limits={'suspicious_burst': 5, 'suspicious_rate': 1}, connection_window=1 << 20)")
    else:
        env = {"FASTH2_LIMITS": "suspicious_burst=5,suspicious_rate=1", "FASTH2_CONNECTION_WINDOW": str(1 << 20)}
    server = start(*WORKER, config=config, env=env)
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
        assert client.conn.outbound_flow_control_window == 1 << 20
    ping_it_to_death(server, 20)
    counts = json.loads(curl(server, "/about"))["counters"]
    assert counts["suspicious_frames"] == 1
    assert counts["connections"] >= 3


@pytest.mark.parametrize("options", [WORKER, ("-k", "gthread", "-c", "python:fasth2.gunicorn.conf"),
                                     ("-k", "fasth2.gunicorn.gevent"), ("-k", "fasth2.gunicorn.asgi")])
def test_a_setting_that_cannot_be_ends_gunicorn_and_says_why(start, options):
    with pytest.raises(RuntimeError, match="FASTH2_CONNECTION_WINDOW is 'x', not a number of octets"):
        start(*options, env={"FASTH2_CONNECTION_WINDOW": "x"})


@pytest.mark.parametrize("worker, app", [
    ("gthread", None), ("gevent", None), ("asgi", ASGI_APP)])
def test_statsd(start, worker, app):
    """What was counted arrives when the worker ends, at the latest."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        address = f"127.0.0.1:{statsd.getsockname()[1]}"
        server = start("-k", f"fasth2.gunicorn.{worker}", "--statsd-host", address, "--statsd-prefix", "web",
                       **({"app": app} if app else {}))
        curl(server, "/hello")
        with Client(server) as client:
            client.sock.sendall(b"\0\0\4\6\0\0\0\0\0" + b"1234")
            assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        server.stop()
        statsd.setblocking(False)
        sent = []
        while True:
            try:
                sent.append(statsd.recv(1000).decode())
            except BlockingIOError:
                break
    ours = {line.partition(":")[0]: line for line in sent if ".fasth2." in line}
    assert ours["web.fasth2.connections"].startswith("web.fasth2.connections:2|c")
    assert len(ours) >= 3
