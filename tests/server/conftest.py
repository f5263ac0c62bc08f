"""Peers of the façade."""
import pytest

from fasth2 import HTTP2ServerConnection
from tests.support.facade_peer import Peer, SocketPair


@pytest.fixture
def connect():
    """Make a peer of a new façade; arguments as for ``Peer``."""
    def make(cfg=None, server_class=HTTP2ServerConnection, **kwargs):
        return Peer(server_class, cfg, **kwargs)
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
