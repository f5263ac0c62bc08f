"""Attributes made when first asked for."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["lazy"]


class lazy:
    """A method turned into an attribute that is computed once and can be assigned.

    `functools.cached_property` is the same with a lock, which CPython took out
    in 3.12 for its cost.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self.make(instance)
        setattr(instance, self.name, value)
        return value
