"""The extensions of the ASGI server."""
from __future__ import annotations

from typing import Any

__all__ = ["http_extensions"]


def http_extensions() -> dict[str, Any]:
    """Return the extensions of HTTP scopes, to be copied for each; ``http.response.priority`` and ``tls`` come with it."""
    return {
        "http.response.trailers": {},
        "http.response.early_hint": {},
        "http.response.informational": {},
        "http.response.pathsend": {},
    }
