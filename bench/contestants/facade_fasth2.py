"""fasth2's façade."""
from gunicorn.config import Config

from fasth2 import HTTP2ServerConnection

from .facade_calls import MemorySocket, serve

__all__ = ["connect", "serve"]

_CONFIG = Config()


def connect():
    connection = HTTP2ServerConnection(_CONFIG, MemorySocket(), ("127.0.0.1", 50_000))
    connection.initiate_connection()
    return connection
