"""Header tables: hpack's HeaderTable, and snapshots of a codec's dynamic table."""
from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from .exceptions import InvalidTableIndex
from .fields import STATIC_TABLE

__all__ = ["HeaderTable", "InvalidTableIndex", "TableSnapshot", "table_entry_size"]


def table_entry_size(name: bytes, value: bytes) -> int:
    """The size of an entry: the octets of name and value, and 32 (RFC 7541 section 4.1)."""
    return len(name) + len(value) + 32


def _static_mapping() -> dict[bytes, tuple[int, dict[bytes, int]]]:
    """Each name of the static table: its lowest index, and the index of each value."""
    mapping: dict[bytes, tuple[int, dict[bytes, int]]] = {}
    for index, (name, value) in enumerate(STATIC_TABLE, 1):
        mapping.setdefault(name, (index, {}))[1][value] = index
    return mapping


class HeaderTable:
    """The static table and a dynamic one, as one address space (RFC 7541 section 2.3).

    An encoder and a decoder have their tables in C; their ``header_table`` shows it through this interface.

    Attributes:
        resized: Whether the last assignment of ``maxsize`` changed it.
        dynamic_entries: The fields of the dynamic table, ``(name, value)``, newest first.
    """

    #: The size that a connection begins with (RFC 9113 section 6.5.2).
    DEFAULT_SIZE = 4096

    #: RFC 7541 Appendix A; the first entry has index 1.
    STATIC_TABLE = STATIC_TABLE

    STATIC_TABLE_LENGTH = len(STATIC_TABLE)

    #: Each name of the static table: its lowest index, and the index of each value.
    STATIC_TABLE_MAPPING = _static_mapping()

    resized: bool
    dynamic_entries: deque[tuple[bytes, bytes]]

    def __init__(self) -> None:
        self._maxsize = self.DEFAULT_SIZE
        self._current_size = 0
        self.resized = False
        self.dynamic_entries = deque()

    def __repr__(self) -> str:
        return f"HeaderTable({self.maxsize}, {self.resized}, {self.dynamic_entries!r})"

    def get_by_index(self, index: int) -> tuple[bytes, bytes]:
        """Return the field at an index: from 1 the static table, behind it the dynamic one.

        Raises:
            InvalidTableIndex: Neither table has it.
        """
        if 1 <= index <= self.STATIC_TABLE_LENGTH:
            return self.STATIC_TABLE[index - 1]
        entries = self.dynamic_entries
        if self.STATIC_TABLE_LENGTH < index <= self.STATIC_TABLE_LENGTH + len(entries):
            return entries[index - self.STATIC_TABLE_LENGTH - 1]
        raise InvalidTableIndex(f"Invalid table index {index}")

    def search(self, name: bytes, value: bytes) -> tuple[int, bytes, bytes | None] | None:
        """Look up a field.

        Returns:
            ``(index, name, value)`` of an equal field, else ``(index, name, None)`` of one with this name, else ``None``.
        """
        found: tuple[int, bytes, bytes | None] | None = None
        if name in self.STATIC_TABLE_MAPPING:
            lowest, values = self.STATIC_TABLE_MAPPING[name]
            if value in values:
                return values[value], name, value
            found = lowest, name, None
        for index, (other, content) in enumerate(self.dynamic_entries, self.STATIC_TABLE_LENGTH + 1):
            if other == name:
                if content == value:
                    return index, name, value
                if found is None:
                    found = index, name, None
        return found

    def add(self, name: bytes, value: bytes) -> None:
        """Insert a field, and evict the oldest ones as far as there is no room (RFC 7541 section 4.4)."""
        size = table_entry_size(name, value)
        self._evict_to(self._maxsize - size)
        if size <= self._maxsize:
            self.dynamic_entries.appendleft((name, value))
            self._current_size += size

    @property
    def maxsize(self) -> int:
        """Largest size of the dynamic table, in octets as `table_entry_size` counts them."""
        return self._maxsize

    @maxsize.setter
    def maxsize(self, newmax: int) -> None:
        size = int(newmax)
        self.resized = size != self._maxsize
        self._maxsize = size
        self._evict_to(size)

    def _evict_to(self, size: int) -> None:
        while self.dynamic_entries and self._current_size > size:
            self._current_size -= table_entry_size(*self.dynamic_entries.pop())


class TableSnapshot(NamedTuple):
    """A snapshot of a dynamic table.

    Attributes:
        maxsize: Its largest size, octets as RFC 7541 section 4.1 counts them.
        dynamic_entries: Its fields, ``(name, value)``, newest first.
    """

    maxsize: int
    dynamic_entries: list[tuple[Any, Any]]


def __getattr__(name: str) -> Any:
    # hpack's logger, on which nothing is logged here; `logging` is imported for who asks for it.
    if name == "log":
        import logging

        return logging.getLogger("hpack.table")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
