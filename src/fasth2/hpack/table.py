"""Snapshots of dynamic tables."""
from __future__ import annotations

from typing import Any, NamedTuple


class HeaderTable(NamedTuple):
    """A snapshot of a dynamic table.

    Attributes:
        maxsize: Its largest size, octets as RFC 7541 section 4.1 counts them.
        dynamic_entries: Its fields, ``(name, value)``, newest first.
    """

    maxsize: int
    dynamic_entries: list[tuple[Any, Any]]
