"""Peers of gunicorn's connection class."""
import pytest
from gunicorn.config import Config

from fasth2.gunicorn import settings
from tests.gunicorn.dropin.classes import CLASS
from tests.gunicorn.live import blocking_worker, certificate, server, start, worker  # noqa: F401 (fixtures)
from tests.support.facade_peer import Peer, SocketPair


@pytest.fixture(autouse=True)
def environment():
    """What a test sets in the environment is gone after it."""
    yield
    settings.forget()


@pytest.fixture
def connect():
    """Make a peer of a new connection; settings of gunicorn as keywords."""
    def make(sock=None, settings=None, greeted=True, **values):
        cfg = Config()
        for name, value in values.items():
            cfg.set(name, value)
        return Peer(CLASS, cfg, sock, settings, greeted)
    return make


@pytest.fixture
def peer(connect):
    """A peer whose prefaces have been exchanged."""
    return connect()


@pytest.fixture
def pair():
    """Two connected sockets."""
    sockets = SocketPair()
    yield sockets
    sockets.close()
