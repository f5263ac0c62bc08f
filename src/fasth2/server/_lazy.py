"""Attributes that are computed at their first use."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["lazy"]

T = TypeVar("T")


class lazy(Generic[T]):
    """A decorator that turns a method into an attribute, computed once and assignable.

    `functools.cached_property` is the same with a lock, which CPython removed in
    3.12 for its cost.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]  # on the class, for documentation
        value = self.make(instance)
        setattr(instance, self.name, value)
        return value
