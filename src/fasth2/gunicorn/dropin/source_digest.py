"""Whether gunicorn's code is the code that ours stands in for.

A few of gunicorn's methods are answered here by shorter ones with the same
result. That is right only as long as gunicorn's say what they said when ours
were written, so their source is compared with digests taken then; where it
differs gunicorn's own run.
"""
from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["digest", "incompatible_overrides", "parameters", "restore", "matches"]


def digest(functions: Iterable[Callable[..., Any]]) -> str:
    """Return a digest of the source of functions; empty where there is no source.

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
    """Whether functions have a source that is known.

    Args:
        functions: gunicorn's.
        *digests: What `digest` returned for those known.
    """
    return digest(functions) in digests


def parameters(function: Any) -> list[str] | None:
    """The names of a function's parameters, ``None`` where they cannot be told."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None


def _fits(override: Any, original: Any) -> bool:
    """Whether a method can be called as the one that it overrides."""
    wanted = parameters(original)
    if wanted is None:
        return False
    own = list(inspect.signature(override).parameters.values())
    # gunicorn's older versions have fewer.
    return [parameter.name for parameter in own[: len(wanted)]] == wanted and all(
        parameter.default is not parameter.empty for parameter in own[len(wanted) :]
    )


def incompatible_overrides(cls: type, base: type, names: Iterable[str]) -> list[str]:
    """Return the methods that a class overrides and that its base lacks or calls in another way.

    Args:
        cls: The class that overrides.
        base: gunicorn's class.
        names: The methods' names.
    """
    return [name for name in names if not _fits(getattr(cls, name), getattr(base, name, None))]


def restore(cls: type, base: type, names: Iterable[str]) -> None:
    """Give a class its base's methods back.

    Args:
        cls: The class that overrides.
        base: gunicorn's class.
        names: The methods' names; where `base` has none the class has none either.
    """
    for name in names:
        original = getattr(base, name, None)
        if original is not None:
            setattr(cls, name, original)
        elif name in vars(cls):
            delattr(cls, name)
