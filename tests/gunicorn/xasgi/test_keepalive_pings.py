"""PINGs of a client whose connection is idle: they keep it open where the operator says so."""
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import SETUPS, ask, serve
from tests.support.tls_client import Client

CLASSES = [setup for setup in SETUPS if setup.way == "own"]


def goodbye(client):
    return bool(client.found(h2.events.ConnectionTerminated))


def ping(client, times):
    """Send PINGs, two a second, until the server says goodbye; return whether it has."""
    for _ in range(times):
        client.conn.ping(bytes(8))
        client.flush()
        if client.read(lambda: goodbye(client), wait=0.5):
            return True
    return False


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_with_the_setting_they_count_as_use(setup, tmp_path, certificate):
    env = {"FASTH2_KEEPALIVE_PINGS": "1"}
    with serve(setup, tmp_path, certificate, "--keep-alive", "3", env=env) as server, Client(server) as client:
        ask(client, 1, "/show")
        assert not ping(client, 14)
        ask(client, 3, "/show")
        assert client.read(lambda: goodbye(client))


@pytest.mark.parametrize("setup", CLASSES[-1:], ids=str)
def test_PINGs_do_not_keep_an_idle_connection_without_the_setting(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "3") as server, Client(server) as client:
        ask(client, 1, "/show")
        assert ping(client, 20)
