"""The time-outs of a connection whose socket is polled."""
import select
import socket
import threading

import pytest
from gunicorn.config import Config

from fasth2.gunicorn.patched.batching import BatchingConnection
from fasth2.gunicorn.patched.sockets import PolledSocket


@pytest.fixture
def polled():
    server, client = socket.socketpair()
    with server, client:
        yield BatchingConnection(Config(), server, ("192.0.2.1", 1), PolledSocket), client


@pytest.mark.parametrize("timeout", [-30.0, -0.0001, 0, 0.01])
def test_a_wait_whose_time_is_over_ends_at_once(polled, timeout):
    """A body's reader may have waited longer than ``timeout`` when a frame comes that is none of its body."""
    connection, client = polled
    # Whoever waits for ever gets this.
    late = threading.Timer(5, client.sendall, [b"late"])
    late.start()
    with pytest.raises(TimeoutError):
        connection._recv(timeout)
    late.cancel()


def test_without_a_time_out_it_waits(polled):
    connection, client = polled
    timer = threading.Timer(0.1, client.sendall, [b"octets"])
    timer.start()
    assert connection._recv(None) == b"octets"
    assert not select.select([connection.sock], [], [], 0)[0]
