"""gunicorn's own connection class, on h2."""
from gunicorn.config import Config
from gunicorn.http2.connection import HTTP2ServerConnection

from .facade_calls import MemorySocket, serve

__all__ = ["connect", "serve"]

_CONFIG = Config()


def connect():
    connection = HTTP2ServerConnection(_CONFIG, MemorySocket(), ("127.0.0.1", 50_000))
    connection.initiate_connection()
    return connection
