"""Conversion of the request that asked for ``Upgrade: h2c`` to HTTP/2."""
from __future__ import annotations

from typing import Any

__all__ = ["upgraded_fields"]

#: Fields of HTTP/1.1 about the connection or the framing.
_HTTP1_ONLY = frozenset(
    ("CONNECTION", "HTTP2-SETTINGS", "KEEP-ALIVE", "PROXY-CONNECTION", "TRANSFER-ENCODING", "UPGRADE")
)


def upgraded_fields(request: Any) -> list[tuple[str, str]]:
    """Return the fields of stream 1, pseudo-header fields first.

    Args:
        request: gunicorn's HTTP/1.1 request.
    """
    fields = [(":method", request.method), (":path", request.uri), (":scheme", request.scheme)]
    regular = []
    authority = None
    for name, value in request.headers:
        if name == "HOST" and authority is None:
            authority = value
        if name not in _HTTP1_ONLY:
            regular.append((name.lower(), value))
    if authority:
        fields.append((":authority", authority))
    return fields + regular
