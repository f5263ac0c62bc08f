"""HUP, TERM and max_requests in the middle of traffic lose no accepted request."""
import re
import signal
import time

import pytest

from tests.load.threads.application import PART
from tests.load.threads.clients import Clients
from tests.load.threads.conftest import SETUPS

#: All but gunicorn's own gevent worker, which closes connections without GOAWAY; a connection class cannot keep it from
#: that. Of the older versions a worker each.
STOPPED = [setup for setup in SETUPS if str(setup) in {
    "27.0.1-gthread-install", "27.0.1-gthread-class", "27.0.1-gevent-class", "27.0.1-asgi-install", "27.0.1-asgi-class",
    "26.2.0-gevent-class", "25.3.0-asgi-class", "25.0.3-gthread-class"}]

pytestmark = [
    pytest.mark.parametrize("setup", STOPPED, ids=str, indirect=True),
    # CPython does not close a socket that is reset just before it is wrapped for TLS.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]


def workers(server):
    return len(re.findall(r"Booting worker with pid", server.log))


def wait_until(condition, wait=20.0):
    deadline = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_reloads(start):
    server = start("--graceful-timeout", "10")
    with Clients(server, "/", PART) as clients:
        for count in (2, 3):
            answered = clients.answered
            wait_until(lambda answered=answered: clients.answered > answered + 50)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda count=count: workers(server) >= count)
        answered = clients.answered
        wait_until(lambda: clients.answered > answered + 50)
        clients.stop()
    assert not clients.lost
    assert clients.connections > 3


def test_TERM(start):
    server = start("--graceful-timeout", "10")
    with Clients(server, "/slow?0.02", b"slow", expects_refusals=True) as clients:
        wait_until(lambda: clients.answered > 20)
        server.terminate()
        server.process.wait(20)
        clients.stop()
    assert not clients.lost
    assert server.process.returncode == 0


def test_max_requests(start):
    server = start("--max-requests", "60", "--graceful-timeout", "10")
    with Clients(server, "/", PART) as clients:
        wait_until(lambda: clients.answered > 200 and workers(server) > 2, 40)
        clients.stop()
    assert not clients.lost
