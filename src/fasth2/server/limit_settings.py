"""The engine's limits as settings: ``name=value`` pairs of an environment variable, and validation."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasth2.limits import Limits

__all__ = ["check_limits", "parse_limits"]


def parse_limits(where: str, text: str, others: Mapping[str, str]) -> dict[str, Any]:
    """Return the limits that a text names, such as ``reset_burst=100,window_updates=none``.

    Args:
        where: The variable's name.
        text: Its text.
        others: See `check_limits`.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: The text is not of that form, or names an unknown limit.
    """
    limits: dict[str, Any] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise ValueError(f"{where}: {part.strip()!r} is not of the form name=value")
        if value.lower() in ("none", "off"):
            limits[name] = None
        elif name == "unreleased_requests" and value.lower() in ("true", "false"):
            limits[name] = value.lower() == "true"
        else:
            try:
                limits[name] = int(value)
            except ValueError:
                raise ValueError(f"{where}: {name} is {value!r}, neither a number nor none") from None
    return check_limits(where, limits, others)


def check_limits(where: str, limits: dict[str, Any], others: Mapping[str, str]) -> dict[str, Any]:
    """Return the limits if they are keywords and values of `fasth2.limits.Limits`.

    Args:
        where: Where they were set.
        limits: Names to values.
        others: Limits that cannot be set there, to what sets them.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is invalid, or a limit is unknown or among `others`.
    """
    for name in limits:
        if name in others:
            raise ValueError(f"{where}: {name} is set by {others[name]}")
        if name not in Limits.__slots__:
            known = ", ".join(sorted(set(Limits.__slots__) - set(others)))
            raise ValueError(f"{where}: there is no limit {name!r}; there are {known}")
    try:
        Limits(**limits)
    except TypeError as exc:
        raise TypeError(f"{where}: {exc}") from None
    except ValueError as exc:
        raise ValueError(f"{where}: {exc}") from None
    return limits
