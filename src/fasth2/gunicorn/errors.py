"""gunicorn's errors as frameworks know them: a body that breaks off is an `OSError`, as over HTTP/1.1."""
from __future__ import annotations

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2StreamError

__all__ = ["HTTP2ConnectionAborted", "HTTP2StreamAborted"]


class HTTP2StreamAborted(HTTP2StreamError, ConnectionAbortedError):
    """The client ended a stream whose body was being read, or was too slow."""


class HTTP2ConnectionAborted(HTTP2ConnectionError, ConnectionAbortedError):
    """The connection ended while a body was being read."""
