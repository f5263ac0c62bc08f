"""Connections that begin with HTTP/1.1 and ``Upgrade: h2c``, beside slow calls and while the worker stops."""
import subprocess

import pytest

from tests.gunicorn.native.faults.asking import all_ended, ask
from tests.support.gate import Gate
from tests.support.tls_client import Client
from tests.support.waiting import settled, until, wait_until


def curl(server, *paths):
    """Ask for an upgrade, and then for more on the same connection; a process."""
    return subprocess.Popen(
        ["curl", "--silent", "--show-error", "--http2", "--max-time", "20", "--write-out", " %{http_version}\n",
         *(server.url + path for path in paths)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def clear(run):
    with run("--http2-cleartext", "both", "--threads", "2", "--keep-alive", "10", tls=False) as server:
        yield server
        assert "[ERROR]" not in server.log


@pytest.fixture
def gate(tmp_path):
    """What the calls of a test wait for."""
    return Gate(tmp_path / "gate")


def test_an_upgrade_waits_while_all_threads_are_busy(clear, gate):
    with Client(clear) as busy:
        before = settled(clear.descriptors)
        ids = ask(busy, gate.target, gate.target)
        gate.wait_for_calls(2)
        upgraded = curl(clear, "/hello", "/hold?0.01", "/hello")
        wait_until(lambda: clear.descriptors() > before)
        gate.open()
        assert busy.read(all_ended(busy, ids))
        assert upgraded.communicate(timeout=20)[0] == "Hello, world! 2\nheld 2\nHello, world! 2\n"


def test_an_upgraded_request_is_finished_when_the_worker_stops(clear, gate):
    upgraded = curl(clear, gate.target)
    gate.wait_for_calls()
    clear.terminate()
    wait_until(lambda: "Handling signal: term" in clear.log)
    gate.open()
    assert upgraded.communicate(timeout=20)[0] == "Hello, world! 2\n"
    assert clear.process.wait(10) == 0


def test_many_upgraded_connections_leave_no_descriptor(clear):
    """None is left behind."""
    assert curl(clear, "/hello").communicate(timeout=20)[0] == "Hello, world! 2\n"
    before = settled(clear.descriptors)
    for _ in range(5):
        several = [curl(clear, "/hold?0.02", "/hello") for _ in range(4)]
        for each in several:
            assert each.communicate(timeout=20)[0] == "held 2\nHello, world! 2\n"
    assert until(lambda: clear.descriptors() <= before)
