"""``wsgi.early_hints`` as HTTP/2 frames, for workers where gunicorn would write HTTP/1.1 into the connection."""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http2.request import HTTP2Request

__all__ = ["send_as_frames"]

#: gunicorn's function that makes the callback, in every version with HTTP/2.
_NAME = "_make_early_hints_callback"


def send_as_frames() -> None:
    """Replace gunicorn's callback by one that sends HTTP/2 frames for HTTP/2 requests; once."""
    plain = getattr(wsgi, _NAME, None)
    if plain is None or hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def make(req: Any, sock: Any, resp: Any) -> Callable[[Iterable[tuple[Any, Any]]], None]:
        if not isinstance(req, HTTP2Request):
            return plain(req, sock, resp)
        stream = req.stream

        def send(headers: Iterable[tuple[Any, Any]]) -> None:
            # As in gunicorn: nothing is sent once the response has begun.
            if not (resp.headers_sent or stream.response_headers_sent):
                stream.connection.send_informational(stream.stream_id, 103, headers)

        return send

    setattr(wsgi, _NAME, make)
