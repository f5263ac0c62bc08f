"""Exceptions of the ASGI server."""
from __future__ import annotations

__all__ = ["ClientDisconnected"]


class ClientDisconnected(OSError):
    """Raised by ``send()`` once the client has reset the stream or disconnected, from version 2.4 of ASGI on."""
