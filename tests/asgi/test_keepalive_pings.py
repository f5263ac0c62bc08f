"""PINGs of a client whose connection is idle: they keep it open where the operator says so."""
import h2.events
import pytest

from fasth2.server._ping_watch import PingWatch
from tests.asgi.conftest import SETUPS, ask, serve
from tests.support.tls_client import Client

CLASSES = [setup for setup in SETUPS if setup.way == "class"]


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
def test_without_it_they_do_not(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--keep-alive", "3") as server, Client(server) as client:
        ask(client, 1, "/show")
        assert ping(client, 20)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + b"\x00\x06\x00\x00\x06\x06"
PING = bytes((0, 0, 8, 6, 0, 0, 0, 0, 0)) + b"\x06" * 8
PONG = bytes((0, 0, 8, 6, 1, 0, 0, 0, 0)) + b"\x06" * 8


@pytest.mark.parametrize("cut", [1, 2, 5, 9, 17, 1000])
def test_it_finds_them_whatever_the_reads_cut(cut):
    watch = PingWatch()
    stream = PREFACE + SETTINGS + PONG + PING + SETTINGS + PING + PONG
    found = [watch.feed(stream[at : at + cut]) for at in range(0, len(stream), cut)]
    assert sum(found) == (1 if cut == 1000 else 2)
    assert not any(PingWatch().feed(PREFACE + SETTINGS + PONG) for _ in range(1))
