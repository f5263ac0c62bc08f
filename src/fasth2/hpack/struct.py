"""Header fields as tuples with an attribute for their indexing."""
from __future__ import annotations

from typing import Any, TypeAlias


class HeaderTuple(tuple[Any, Any]):
    """A header field, ``(name, value)``, that may enter a compression context.

    Args:
        *args: The name and the value.
    """

    __slots__ = ()

    indexable = True

    def __new__(cls, *args: Any) -> HeaderTuple:
        return tuple.__new__(cls, args)


class NeverIndexedHeaderTuple(HeaderTuple):
    """A header field that must not be indexed, also when it is forwarded (RFC 7541 section 7.1.3)."""

    __slots__ = ()

    indexable = False


#: Types for annotations: strings, as in hpack.
Header: TypeAlias = "HeaderTuple | NeverIndexedHeaderTuple | tuple[bytes, bytes]"
HeaderWeaklyTyped: TypeAlias = "HeaderTuple | NeverIndexedHeaderTuple | tuple[bytes | str, bytes | str]"
