"""The options that the connections of a server share: limits, advertised settings, time-outs."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from fasth2._memo import remember
from fasth2.config import AdaptiveWindows, Limits
from fasth2.connection import H2Connection
from fasth2.settings import SettingCodes

__all__ = ["NO_RFC7540_PRIORITIES", "Options", "announced", "options_of", "seconds", "shared_limits"]

#: The setting that tells clients to use the priorities of RFC 9218 (section 2.1), which the engine supports.
NO_RFC7540_PRIORITIES = 9


def seconds(value: Any) -> float | None:
    """Convert a configuration's time-out; ``None`` if it is absent, 0 or not a number."""
    return value if value and isinstance(value, (int, float)) else None


@functools.lru_cache(maxsize=64, typed=True)
def shared_limits(**values: Any) -> Limits:
    """Return ``Limits`` of these values, one immutable object for all connections of a server."""
    return Limits(**values)


def announced(
    streams: int, window: int, frame_size: int, header_list_size: int, connect_protocol: bool = False
) -> dict[SettingCodes | int, int]:
    """Return this side's initial settings (RFC 9113 section 6.5.2, RFC 9218 section 2.1).

    Args:
        streams: Largest number of concurrent streams of the peer.
        window: Octets of a stream's window.
        frame_size: Octets of a frame.
        header_list_size: Octets of a header list; 0: not advertised.
        connect_protocol: True to accept extended CONNECT (RFC 8441 section 3).
    """
    values: dict[SettingCodes | int, int] = {
        SettingCodes.MAX_CONCURRENT_STREAMS: streams,
        SettingCodes.INITIAL_WINDOW_SIZE: window,
        SettingCodes.MAX_FRAME_SIZE: frame_size,
        NO_RFC7540_PRIORITIES: 1,
    }
    if header_list_size:
        values[SettingCodes.MAX_HEADER_LIST_SIZE] = header_list_size
    if connect_protocol:
        values[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 1
    return values


class Options(NamedTuple):
    """The options that the protocols of a server share; one object for all of them (`options_of`)."""

    #: The module or class with ``HTTP2ProtocolError``; ``None``: the engine's exceptions are stored unchanged.
    errors: Any

    #: The closed state of the stream class.
    closed_state: Any

    #: The engine's limits.
    limits: Limits

    #: The settings that this side advertises: octets, and a number of streams.
    initial_window_size: int
    max_concurrent_streams: int
    max_frame_size: int
    max_header_list_size: int

    #: Seconds a stream may wait without progress; ``None``: no limit.
    stream_timeout: float | None = None

    #: Seconds a connection may be idle; ``None``: no limit.
    idle_timeout: float | None = None

    #: Octets that a client may still send of a request whose response is complete,
    #: before the stream is reset with NO_ERROR, and seconds for the same.
    unread_upload_octets: int = 65536
    unread_upload_seconds: float = 2.0

    #: Seconds until that reset if the client has no window left and cannot continue. 0 for a holder that checks only
    #: after a read, when the client has had the response for a while; more if it checks right after sending it.
    full_window_wait: float = 0.0

    #: Limits to which receive windows grow with the link; ``None``: they keep their size.
    adaptive_windows: AdaptiveWindows | None = None

    #: True if the holder credits the connection's window for octets that have arrived (`ServerProtocol.credit_arrived`).
    #: The windows of streams bound what is held then, so their growth is what counts against the limits.
    credits_on_arrival: bool = False

    #: The encoding of fields; octets that are invalid in it are decoded as latin-1. ``None``: fields are bytes.
    header_encoding: str | None = "utf-8"

    #: True to accept extended CONNECT (RFC 8441).
    connect_protocol: bool = False

    #: The class of a protocol's `engine`.
    engine_class: type[H2Connection] = H2Connection

    #: Returns seconds; ``None`` for `time.monotonic`.
    clock: Callable[[], float] | None = None


# Keyed by the arguments; objects that are slow to hash by their id, which stays valid since the options hold them.
_shared_options: dict[Any, Options] = {}
_SHARED_OPTIONS = 64


def options_of(cfg: Any, errors: Any, closed_state: Any, limits: Limits | None = None, **more: Any) -> Options:
    """Return the options of a configuration, the same object for equal ones.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            if present, ``timeout`` and ``keepalive`` (seconds; 0: none).
        errors: See `Options`.
        closed_state: See `Options`.
        limits: The engine's limits; ``None``: from ``cfg``.
        **more: Options with a default.
    """
    streams, header_list_size = cfg.http2_max_concurrent_streams, cfg.http2_max_header_list_size
    if limits is None:
        values = {"concurrent_streams": streams}
        if header_list_size:
            values["header_list_size"] = header_list_size
        limits = shared_limits(**values)
    window, frame_size = cfg.http2_initial_window_size, cfg.http2_max_frame_size
    timeout, keepalive = seconds(getattr(cfg, "timeout", None)), seconds(getattr(cfg, "keepalive", None))
    key = (
        id(errors), id(closed_state), id(limits), window, streams, frame_size, header_list_size, timeout, keepalive,
        *more.items(),
    )  # fmt: skip
    options = _shared_options.get(key)
    if options is None:
        options = Options(
            errors, closed_state, limits, window, streams, frame_size, header_list_size, timeout, keepalive, **more
        )
        remember(_shared_options, key, options, _SHARED_OPTIONS)
    return options
