"""gunicorn's errors that are also an `OSError`, as frameworks expect of an incomplete body (as over HTTP/1.1)."""
from __future__ import annotations

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2StreamError

__all__ = ["HTTP2ConnectionAborted", "HTTP2StreamAborted"]


class HTTP2StreamAborted(HTTP2StreamError, ConnectionAbortedError):
    """The client reset the stream while its body was being read, or was too slow."""


class HTTP2ConnectionAborted(HTTP2ConnectionError, ConnectionAbortedError):
    """The connection ended while a body was being read."""
