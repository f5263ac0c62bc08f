"""The dynamic table of an encoder or decoder through the interface of HeaderTable."""
from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from .table import HeaderTable, table_entry_size


class Owner(Protocol):
    """An encoder or decoder."""

    header_table_size: int

    def _entries(self) -> list[tuple[bytes, bytes]]: ...
    def _insert(self, name: bytes, value: bytes) -> None: ...
    def _resized(self) -> bool: ...


class TableView(HeaderTable):
    """What ``header_table`` of an encoder or decoder returns.

    It shows the table as it is at each access. ``add`` and ``maxsize`` change the table; ``dynamic_entries`` is a copy.

    Args:
        owner: The encoder or decoder.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    @property
    def dynamic_entries(self) -> deque[tuple[bytes, bytes]]:  # type: ignore[override]
        """The fields of the dynamic table, newest first: a copy."""
        return deque(self._owner._entries())

    @property
    def resized(self) -> bool:  # type: ignore[override]
        """Whether a size update is due; of a decoder, whether the size is not the one that it began with."""
        return self._owner._resized()

    @property
    def _current_size(self) -> int:  # type: ignore[override]
        return sum(table_entry_size(*entry) for entry in self._owner._entries())

    @property
    def maxsize(self) -> int:
        """Largest size of the dynamic table, in octets."""
        return self._owner.header_table_size

    @maxsize.setter
    def maxsize(self, newmax: int) -> None:
        self._owner.header_table_size = int(newmax)

    def add(self, name: bytes, value: bytes) -> None:
        """Insert a field into the table; nothing is written to or read from a block."""
        self._owner._insert(name, value)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, TableView) and other._owner is self._owner

    def __hash__(self) -> int:
        return id(self._owner)
