"""A request's path for ASGI: percent-decoded text, and the octets as received."""
from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

__all__ = ["decode_path", "raw_path"]


def decode_path(request: Any) -> None:
    """Decode a request's path to text, and keep the octets as its ``raw_path``.

    Fields were decoded as latin-1, so the path has a character for each octet. An octet
    that is not valid UTF-8 becomes U+FFFD, as in gunicorn's HTTP/1.1.

    Args:
        request: gunicorn's request.
    """
    path = request.path
    if "%" in path or not path.isascii():
        octets = request.raw_path = path.encode("latin-1")
        request.path = unquote_to_bytes(octets).decode("utf-8", "replace")


def raw_path(request: Any) -> bytes:
    """Return the octets of a path after `decode_path`.

    Args:
        request: gunicorn's request.
    """
    octets: bytes | None = getattr(request, "raw_path", None)
    return octets if octets is not None else request.path.encode("latin-1")
