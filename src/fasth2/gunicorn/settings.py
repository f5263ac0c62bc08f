"""What an operator can set that gunicorn has no setting for: limits, and the connection's window."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fasth2.limits import Limits

__all__ = ["Settings", "current", "set_from_configuration"]

#: SETTINGS_INITIAL_WINDOW_SIZE does not change the connection's window, which
#: begins with this many octets (RFC 9113 section 6.9.2), and can only grow.
SMALLEST_WINDOW = 65535
LARGEST_WINDOW = 2**31 - 1

#: Limits that gunicorn has settings for.
_GUNICORNS = {
    "concurrent_streams": "http2_max_concurrent_streams",
    "header_list_size": "http2_max_header_list_size",
}

_LIMITS = "FASTH2_LIMITS"
_WINDOW = "FASTH2_CONNECTION_WINDOW"


@dataclass(frozen=True)
class Settings:
    """Settings of fasth2 under gunicorn."""

    #: Keywords of `fasth2.limits.Limits` to values, those that were set.
    limits: Mapping[str, Any] = field(default_factory=dict)

    #: Octets that a peer may send on a connection before it gets credit.
    connection_window: int = SMALLEST_WINDOW


# What install() was given.
_configured = Settings()

# What `current` returned last, and the environment's two values that it was made of.
_current: tuple[tuple[str | None, str | None], Settings] | None = None


def set_from_configuration(limits: Mapping[str, Any] | None, connection_window: int | None) -> None:
    """Take what the configuration file says, for connections made from now on.

    Args:
        limits: Keywords of `fasth2.limits.Limits` to values.
        connection_window: Octets.

    Raises:
        TypeError: A value of another type.
        ValueError: A value that cannot be, or a name that is none.
    """
    global _configured, _current
    if limits is not None and not isinstance(limits, Mapping):
        raise TypeError(f"limits must map names to values, as {{'reset_burst': 100}} does, not {limits!r}")
    checked = _check_limits("limits", {} if limits is None else dict(limits))
    window = SMALLEST_WINDOW if connection_window is None else connection_window
    _configured = Settings(checked, _check_window("connection_window", window))
    _current = None


def current() -> Settings:
    """Return the settings for a new connection; the environment's win over those of the configuration file.

    Raises:
        ValueError: The environment has a value that cannot be.
    """
    global _current
    found = os.environ.get(_LIMITS), os.environ.get(_WINDOW)
    if _current is not None and _current[0] == found:
        return _current[1]
    limits, window = found
    settings = Settings(
        {**_configured.limits, **_parse_limits(limits or "")},
        _parse_window(window) if window else _configured.connection_window,
    )
    _current = found, settings
    return settings


def _parse_limits(text: str) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise ValueError(f"{_LIMITS}: {part.strip()!r} is not of the form name=value")
        if value.lower() in ("none", "off"):
            limits[name] = None
        elif name == "unreleased_requests" and value.lower() in ("true", "false"):
            limits[name] = value.lower() == "true"
        else:
            try:
                limits[name] = int(value)
            except ValueError:
                raise ValueError(f"{_LIMITS}: {name} is {value!r}, neither a number nor none") from None
    return _check_limits(_LIMITS, limits)


def _check_limits(where: str, limits: dict[str, Any]) -> dict[str, Any]:
    for name in limits:
        if name in _GUNICORNS:
            raise ValueError(f"{where}: {name} is set by gunicorn's {_GUNICORNS[name]}")
        if name not in Limits.__slots__:
            known = ", ".join(sorted(set(Limits.__slots__) - set(_GUNICORNS)))
            raise ValueError(f"{where}: there is no limit {name!r}; there are {known}")
    try:
        Limits(**limits)
    except TypeError as exc:
        raise TypeError(f"{where}: {exc}") from None
    except ValueError as exc:
        raise ValueError(f"{where}: {exc}") from None
    return limits


def _parse_window(text: str) -> int:
    try:
        window = int(text)
    except ValueError:
        raise ValueError(f"{_WINDOW} is {text!r}, not a number of octets") from None
    return _check_window(_WINDOW, window)


def _check_window(where: str, window: int) -> int:
    if type(window) is not int:
        raise TypeError(f"{where} must be an int, not {type(window).__name__}")
    if not SMALLEST_WINDOW <= window <= LARGEST_WINDOW:
        raise ValueError(f"{where} must be from {SMALLEST_WINDOW} to {LARGEST_WINDOW} octets, not {window}")
    return window
