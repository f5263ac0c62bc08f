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

__all__ = ["digest", "parameters", "replace_unless_fitting", "same"]


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


def same(functions: Iterable[Callable[..., Any]], *digests: str) -> bool:
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


def replace_unless_fitting(cls: type, base: type, names: Iterable[str]) -> list[str]:
    """Give a class its base's methods back where one of a group of overrides does not fit.

    Args:
        cls: The class that overrides.
        base: gunicorn's class.
        names: Methods that work only together.

    Returns:
        The names that `base` lacks or whose parameters differ; empty when all fit.
    """
    names = list(names)
    unfit = [name for name in names
             if (wanted := parameters(getattr(base, name, None))) is None
             or wanted != parameters(getattr(cls, name))]
    if unfit:
        for name in names:
            original = getattr(base, name, None)
            if original is None:
                delattr(cls, name)
            else:
                setattr(cls, name, original)
    return unfit
