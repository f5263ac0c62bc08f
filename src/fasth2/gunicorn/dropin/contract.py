"""What the installed gunicorn expects of a connection class.

The one place that looks at gunicorn's own classes to tell its versions apart.
"""
from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import gunicorn
import gunicorn.http2.connection
from gunicorn.http import wsgi
from gunicorn.http2.connection import HTTP2ServerConnection as STOCK
from gunicorn.http2.stream import HTTP2Stream

try:
    from gunicorn.http2.response import HTTP2Response as STOCK_RESPONSE
except ModuleNotFoundError:
    # gunicorn's first versions collect the body and have no such class.
    STOCK_RESPONSE = wsgi.Response

__all__ = ["NEWEST", "STOCK", "STOCK_RESPONSE", "Contract", "installed"]

#: The newest major version that fasth2 is tested with.
NEWEST = 27


@dataclass(frozen=True)
class Contract:
    """How one version of gunicorn uses its connection class."""

    #: gunicorn's version.
    version: str

    #: Whether it is no newer than those fasth2 is tested with.
    known: bool

    #: Whether a request is handed out once its headers are in, and its body
    #: is read from the stream as it arrives (from 27.0 on). Otherwise it is handed
    #: out when it is complete, and its windows open as it arrives.
    dispatches_on_headers: bool

    #: Whether responses are sent in parts, by ``send_response_headers``,
    #: ``send_data`` and ``end_stream`` (from 26.2 on). Otherwise they are sent by
    #: ``send_response``, and those with trailers by the engine's own methods.
    streams_responses: bool

    #: Whether the asyncio worker asks for more of a body that was read, where
    #: it waits for the peer to go (up to 26.2). Otherwise it calls ``wait_disconnect``.
    asks_past_the_end: bool

    #: Whether the asyncio worker's scope takes ``raw_path`` from the request
    #: where that has one (from 25.3 on). Otherwise it encodes ``path`` as latin-1.
    takes_raw_path: bool

    #: Whether the response class knows which responses have no body, and has
    #: one place that sends (from 26.2 on).
    omits_bodies: bool

    #: Whether responses over HTTP/2 get the fields server and date (from 27.0 on).
    names_server_and_date: bool

    #: Resets a peer may send in ``reset_seconds``.
    reset_limit: int
    reset_seconds: float

    #: PING, SETTINGS and empty DATA frames a peer may send in ``control_seconds``.
    control_limit: int
    control_seconds: float


def installed() -> Contract:
    """Return the contract of the gunicorn that is installed.

    One that is newer than fasth2 knows is taken for the newest that it knows.
    """
    module = gunicorn.http2.connection
    known = gunicorn.version_info[0] <= NEWEST
    return Contract(
        version=gunicorn.__version__,
        known=known,
        dispatches_on_headers=not known or hasattr(STOCK, "pump"),
        streams_responses=not known or hasattr(STOCK, "send_response_headers"),
        asks_past_the_end=not hasattr(HTTP2Stream, "wait_disconnect"),
        takes_raw_path=importlib.util.find_spec("gunicorn.asgi.parser") is not None,
        omits_bodies=hasattr(STOCK_RESPONSE, "_emit_body"),
        names_server_and_date=hasattr(STOCK_RESPONSE, "_aborted"),
        reset_limit=getattr(module, "RST_STREAM_RATE_LIMIT", 200),
        reset_seconds=getattr(module, "RST_STREAM_RATE_WINDOW", 10.0),
        control_limit=getattr(module, "CONTROL_FRAME_RATE_LIMIT", 1000),
        control_seconds=getattr(module, "CONTROL_FRAME_RATE_WINDOW", 10.0),
    )
