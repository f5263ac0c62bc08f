"""Settings of fasth2 that gunicorn lacks. A new setting is a field of `Settings` and an entry of `_KINDS`."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fasth2.server.limit_settings import check_limits, parse_limits
from fasth2.server.setting_kinds import Flag, Number
from fasth2.wsgi.limits import WorkerLimits

__all__ = ["Settings", "current", "set_from_configuration"]

#: The initial window of a connection in octets, which SETTINGS_INITIAL_WINDOW_SIZE
#: does not change (RFC 9113 section 6.9.2), and which can only grow.
SMALLEST_WINDOW = 65535
LARGEST_WINDOW = 2**31 - 1

#: Limits that are set by gunicorn's own settings.
_GUNICORNS = {
    "concurrent_streams": "gunicorn's http2_max_concurrent_streams",
    "header_list_size": "gunicorn's http2_max_header_list_size",
}

_LIMITS = "FASTH2_LIMITS"


@dataclass(frozen=True)
class Settings:
    """Settings of fasth2 under gunicorn. Each is set by its name, or by ``FASTH2_`` and its name in capitals."""

    #: Keywords of `fasth2.limits.Limits` and their values, for those that were set.
    limits: Mapping[str, Any] = field(default_factory=dict)

    #: Window of a connection: octets that a peer may send before it gets credit.
    connection_window: int = SMALLEST_WINDOW

    #: True if the windows of uploads adapt to the link. Sizes that the operator sets are kept.
    adaptive_windows: bool = True

    #: Octets to which the window of a stream, and that of a connection, grow.
    max_stream_window: int = 8 << 20
    max_connection_window: int = 16 << 20

    #: Octets that the windows of all connections of a process may have above their initial size.
    max_window_growth: int = 64 << 20

    #: True if PING frames keep an idle connection open, as requests do.
    keepalive_pings: bool = False

    #: Octets of a body that a client may still send after its request was answered, before the stream is reset.
    unread_upload_octets: int = 65536

    #: Seconds for the same.
    unread_upload_seconds: float = 2.0

    #: Octets of request bodies that a connection buffers until the requests are complete, for gunicorn versions that
    #: dispatch complete requests (25 and 26); 0: no limit.
    max_body: int = 1 << 30

    #: Octets a second that a client must send of a body that is waited for; 0: no minimum.
    min_body_rate: int = WorkerLimits.min_body_rate

    #: Octets of a request's body that are buffered before the application is called; 0: none.
    gathered_body: int = WorkerLimits.gathered_body

    #: Octets of buffered bodies that the process holds.
    gathered_bodies: int = WorkerLimits.gathered_bodies

    #: Seconds without an octet after which a request starts before its body is complete.
    gather_pause: float = WorkerLimits.gather_pause

    #: Unsent octets of a connection's responses, without the largest one, above which it starts no further request.
    unsent_connection: int = WorkerLimits.unsent_connection

    #: Unsent octets of all connections, above which a connection with unsent octets starts no further request.
    unsent_process: int = WorkerLimits.unsent_process

    #: True to pass CONNECT requests to the application; otherwise they are answered with 501.
    allow_connect: bool = False

    #: True to cancel the task of an ASGI application when its client resets the stream (`ASGIWorker`).
    cancel_on_reset: bool = False

    #: Seconds from the begin of a shutdown until ``receive()`` returns ``http.disconnect`` to ASGI applications that still
    #: respond, so that long streams end; 0: they are not told (`ASGIWorker`).
    disconnect_on_shutdown: float = 0.0

    #: Seconds after which a connection is ended, once its requests are answered, with a tenth added at random; 0: no limit
    #: (`ASGIWorker`).
    max_connection_age: float = 0.0


#: The kind of every setting except the limits.
_KINDS: dict[str, Number | Flag] = {
    "connection_window": Number("octets", SMALLEST_WINDOW, LARGEST_WINDOW),
    "adaptive_windows": Flag(),
    "max_stream_window": Number("octets", 0, LARGEST_WINDOW),
    "max_connection_window": Number("octets", 0, LARGEST_WINDOW),
    "max_window_growth": Number("octets", 0, 2**63 - 1),
    "keepalive_pings": Flag(),
    "unread_upload_octets": Number("octets", 0, 2**31 - 1),
    "unread_upload_seconds": Number("seconds", 0, 3600, float),
    "max_body": Number("octets", 0, 2**63 - 1),
    "min_body_rate": Number("octets a second", 0, 2**31 - 1),
    "gathered_body": Number("octets", 0, 2**31 - 1),
    "gathered_bodies": Number("octets", 0, 2**63 - 1),
    "gather_pause": Number("seconds", 0, 3600, float),
    "unsent_connection": Number("octets", 0, 2**63 - 1),
    "unsent_process": Number("octets", 0, 2**63 - 1),
    "allow_connect": Flag(),
    "cancel_on_reset": Flag(),
    "disconnect_on_shutdown": Number("seconds", 0, 86400, float),
    "max_connection_age": Number("seconds", 0, 31536000, float),
}

_VARIABLES = {name: "FASTH2_" + name.upper() for name in _KINDS}

# The arguments of install().
_configured = Settings()

# The result of `current`; ``None`` before it has read the environment.
_current: Settings | None = None


def set_from_configuration(
    limits: Mapping[str, Any] | None, connection_window: int | None = None, **others: Any
) -> None:
    """Apply the settings of the configuration file, for new connections.

    Args:
        limits: Keywords of `fasth2.limits.Limits` to values.
        connection_window: Octets.
        **others: Other settings by their names in `Settings`.

    Raises:
        TypeError: An unknown setting, or a value of the wrong type.
        ValueError: An invalid value, or an unknown limit.
    """
    global _configured, _current
    if limits is not None and not isinstance(limits, Mapping):
        raise TypeError(f"limits must map names to values, as {{'reset_burst': 100}} does, not {limits!r}")
    values: dict[str, Any] = {"limits": check_limits("limits", {} if limits is None else dict(limits), _GUNICORNS)}
    for name, value in {"connection_window": connection_window, **others}.items():
        kind = _KINDS.get(name)
        if kind is None:
            raise TypeError(f"there is no setting {name!r}; there are limits, {', '.join(_KINDS)}")
        if value is not None:
            values[name] = kind.check(name, value)
    _configured = Settings(**values)
    _current = None


def current() -> Settings:
    """Return the settings for a new connection; the environment takes precedence over the configuration file.

    The environment is read once after `set_from_configuration` or `forget`.

    Raises:
        ValueError: A value in the environment is invalid.
    """
    global _current
    if _current is None:
        _current = _read()
    return _current


def forget() -> None:
    """Discard the cached settings: a new worker's environment may have changed by ``raw_env`` and hooks."""
    global _current
    _current = None


def _read() -> Settings:
    values: dict[str, Any] = {"limits": {**_configured.limits, **parse_limits(_LIMITS, os.environ.get(_LIMITS, ""), _GUNICORNS)}}
    for name, variable in _VARIABLES.items():
        if text := os.environ.get(variable):
            values[name] = _KINDS[name].parse(variable, text)
    return replace(_configured, **values)
