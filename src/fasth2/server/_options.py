"""What the protocols of a server have in common: limits, the settings that are announced, time-outs."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from fasth2.config import Limits
from fasth2.connection import H2Connection
from fasth2.settings import SettingCodes

__all__ = ["NO_RFC7540_PRIORITIES", "Options", "announced", "options_of", "seconds", "shared_limits"]

#: The setting that tells clients to use the priorities of RFC 9218 (section 2.1), which the engine sends by.
NO_RFC7540_PRIORITIES = 9


def seconds(value: Any) -> float | None:
    """A time-out of a configuration, ``None`` where it is absent, 0 or no number."""
    return value if value and isinstance(value, (int, float)) else None


@functools.lru_cache(maxsize=64, typed=True)
def shared_limits(**values: Any) -> Limits:
    """``Limits`` of these values, which never change: one object for all connections of a server."""
    return Limits(**values)


def announced(streams: int, window: int, frame_size: int, header_list_size: int) -> dict[SettingCodes | int, int]:
    """Return the settings that this side begins with (RFC 9113 section 6.5.2, RFC 9218 section 2.1).

    Args:
        streams: Concurrent streams of the peer.
        window: Octets of a stream's window.
        frame_size: Octets of a frame.
        header_list_size: Octets of a header list, 0 for any.
    """
    values: dict[SettingCodes | int, int] = {
        SettingCodes.MAX_CONCURRENT_STREAMS: streams,
        SettingCodes.INITIAL_WINDOW_SIZE: window,
        SettingCodes.MAX_FRAME_SIZE: frame_size,
        NO_RFC7540_PRIORITIES: 1,
    }
    if header_list_size:
        values[SettingCodes.MAX_HEADER_LIST_SIZE] = header_list_size
    return values


class Options(NamedTuple):
    """What the protocols of a server have in common; one object for all of them (`options_of`)."""

    #: The module or class that has ``HTTP2ProtocolError``; ``None``: the engine's exceptions are kept as they are.
    errors: Any

    #: The member of the stream class's states that means "over".
    closed_state: Any

    #: The engine's limits.
    limits: Limits

    #: The settings that this side announces; octets, and a number of streams.
    initial_window_size: int
    max_concurrent_streams: int
    max_frame_size: int
    max_header_list_size: int

    #: Seconds a stream may wait without progress; ``None``: for ever.
    stream_timeout: float | None = None

    #: Seconds a connection may sit without a stream; ``None``: for ever.
    idle_timeout: float | None = None

    #: Octets that a client may go on sending of a request whose response is
    #: complete, before the stream is reset with NO_ERROR, and seconds for the same.
    unread_upload_octets: int = 65536
    unread_upload_seconds: float = 2.0

    #: Seconds until that reset where the client has no window left and cannot go on. 0 where a holder looks only after
    #: a read, so that the client has had the response for a while; more where it looks in the turn that sent it.
    full_window_wait: float = 0.0

    #: What fields are decoded with; octets that it cannot decode are taken for latin-1.
    header_encoding: str = "utf-8"

    #: What a protocol's `engine` is.
    engine_class: type[H2Connection] = H2Connection

    #: Returns seconds; ``None`` for `time.monotonic`.
    clock: Callable[[], float] | None = None


# By what they are made of; what is not hashed fast goes by its identity, and the options keep it alive.
_shared_options: dict[Any, Options] = {}
_SHARED_OPTIONS = 64


def options_of(cfg: Any, errors: Any, closed_state: Any, limits: Limits | None = None, **more: Any) -> Options:
    """Return the options that a configuration stands for, the same object for the same ones.

    Args:
        cfg: Provides ``http2_initial_window_size``,
            ``http2_max_concurrent_streams``, ``http2_max_frame_size``,
            ``http2_max_header_list_size`` (octets; 0: not advertised) and,
            where present, ``timeout`` and ``keepalive`` (seconds; 0: none).
        errors: As in `Options`.
        closed_state: As in `Options`.
        limits: The engine's; those of ``cfg`` when ``None``.
        **more: The options that have a default.
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
        *more.values(),
    )  # fmt: skip
    options = _shared_options.get(key)
    if options is None:
        options = Options(
            errors, closed_state, limits, window, streams, frame_size, header_list_size, timeout, keepalive, **more
        )
        if len(_shared_options) >= _SHARED_OPTIONS:
            _shared_options.clear()
        _shared_options[key] = options
    return options
