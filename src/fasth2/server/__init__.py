"""HTTP/2 servers over the engine: sockets, time-outs, requests and responses."""
from __future__ import annotations

from .connection import HTTP2ServerConnection
from .request import HTTP2Request
from .stream import HTTP2Stream, StreamState

__all__ = ["HTTP2Request", "HTTP2ServerConnection", "HTTP2Stream", "StreamState"]
