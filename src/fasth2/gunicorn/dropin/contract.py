"""The interface between the installed gunicorn and a connection class.

The only module that inspects gunicorn's own classes to distinguish its versions.
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

    #: True if it is not newer than the versions fasth2 is tested with.
    known: bool

    #: True if a request is dispatched once its headers have arrived, and its body
    #: is read from the stream (from 27.0 on). Otherwise it is dispatched when it
    #: is complete, and its octets are credited as they arrive.
    dispatches_on_headers: bool

    #: True if responses are sent in parts, by ``send_response_headers``,
    #: ``send_data`` and ``end_stream`` (from 26.2 on). Otherwise they are sent by
    #: ``send_response``, those with trailers by the engine's own methods.
    streams_responses: bool

    #: True if the asyncio worker reads past the end of a body to wait for a
    #: disconnect (up to 26.2). Otherwise it calls ``wait_disconnect``.
    asks_past_the_end: bool

    #: True if the asyncio worker's scope takes ``raw_path`` from the request
    #: if that has one (from 25.3 on). Otherwise it encodes ``path`` as latin-1.
    takes_raw_path: bool

    #: True if the response class omits bodies of responses that have none, in
    #: one method that sends (from 26.2 on).
    omits_bodies: bool

    #: True if responses over HTTP/2 get the fields Server and Date (from 27.0 on).
    names_server_and_date: bool

    #: RST_STREAM frames a peer may send in ``reset_seconds``.
    reset_limit: int
    reset_seconds: float

    #: PING, SETTINGS and empty DATA frames a peer may send in ``control_seconds``.
    control_limit: int
    control_seconds: float


def installed() -> Contract:
    """Return the contract of the installed gunicorn.

    A version newer than fasth2 knows gets the contract of the newest known one.
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
