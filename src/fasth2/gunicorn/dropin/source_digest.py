"""Detect whether the installed gunicorn still matches the source that the fast paths replicate.

A few of gunicorn's methods are replaced by shorter ones with the same
result. That is valid only while gunicorn's are unchanged, so their source is
compared with digests taken when ours were written. If it differs, gunicorn's
own methods run.
"""
from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["digest", "incompatible_overrides", "parameters", "restore", "matches"]


def digest(functions: Iterable[Callable[..., Any]]) -> str:
    """Return a digest of the source of functions; empty if a source is not available.

    Args:
        functions: Python functions or classes.
    """
    sha = hashlib.sha256()
    for function in functions:
        try:
            sha.update(inspect.getsource(function).encode())
        except (OSError, TypeError):
            return ""
    return sha.hexdigest()[:16]


def matches(functions: Iterable[Callable[..., Any]], *digests: str) -> bool:
    """Return True if the source of functions has a known digest.

    Args:
        functions: gunicorn's functions or classes.
        *digests: The known results of `digest`.
    """
    return digest(functions) in digests


def parameters(function: Any) -> list[str] | None:
    """Return the names of a function's parameters; ``None`` if they cannot be determined."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None


def _fits(override: Any, original: Any) -> bool:
    """Return True if a method accepts the calls of the one that it overrides."""
    wanted = parameters(original)
    if wanted is None:
        return False
    own = list(inspect.signature(override).parameters.values())
    # gunicorn's older versions have fewer.
    return [parameter.name for parameter in own[: len(wanted)]] == wanted and all(
        parameter.default is not parameter.empty for parameter in own[len(wanted) :]
    )


def incompatible_overrides(cls: type, base: type, names: Iterable[str]) -> list[str]:
    """Return the overrides of a class whose base lacks the method or has another signature.

    Args:
        cls: The class that overrides.
        base: gunicorn's class.
        names: The methods' names.
    """
    return [name for name in names if not _fits(getattr(cls, name), getattr(base, name, None))]


def restore(cls: type, base: type, names: Iterable[str]) -> None:
    """Remove overrides from a class, so that its base's methods apply.

    Args:
        cls: The class that overrides.
        base: gunicorn's class.
        names: The methods' names; one that `base` lacks is deleted.
    """
    for name in names:
        original = getattr(base, name, None)
        if original is not None:
            setattr(cls, name, original)
        elif name in vars(cls):
            delattr(cls, name)
