"""What the installed gunicorn expects of a connection class.

The one place that looks at gunicorn's own classes to tell its versions apart.
"""
from __future__ import annotations

from dataclasses import dataclass

import gunicorn
import gunicorn.http2.connection
from gunicorn.http2.connection import HTTP2ServerConnection as STOCK

__all__ = ["STOCK", "Contract", "installed"]


@dataclass(frozen=True)
class Contract:
    """How one version of gunicorn uses its connection class."""

    #: gunicorn's version.
    version: str

    #: Whether a request is handed out once its headers are in, and its body
    #: is read from the stream as it arrives (27).
    dispatches_on_headers: bool

    #: Whether responses are sent in parts, by ``send_response_headers``,
    #: ``send_data`` and ``end_stream`` (26.2).
    streams_responses: bool

    #: Resets a peer may send in ``reset_seconds``.
    reset_limit: int
    reset_seconds: float

    #: PING, SETTINGS and empty DATA frames a peer may send in ``control_seconds``.
    control_limit: int
    control_seconds: float

    @property
    def supported(self) -> bool:
        """Whether `fasth2.gunicorn` has a connection class for it."""
        return self.dispatches_on_headers


def installed() -> Contract:
    """Return the contract of the gunicorn that is installed."""
    module = gunicorn.http2.connection
    return Contract(
        version=gunicorn.__version__,
        dispatches_on_headers=hasattr(STOCK, "pump"),
        streams_responses=hasattr(STOCK, "send_response_headers"),
        reset_limit=getattr(module, "RST_STREAM_RATE_LIMIT", 200),
        reset_seconds=getattr(module, "RST_STREAM_RATE_WINDOW", 10.0),
        control_limit=getattr(module, "CONTROL_FRAME_RATE_LIMIT", 1000),
        control_seconds=getattr(module, "CONTROL_FRAME_RATE_WINDOW", 10.0),
    )
