"""Header fields for a log, without the values that a log must not have."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Fields whose values are credentials.
_SENSITIVE = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


class RedactedFields:
    """The text of a list of fields, made when a logger asks for it.

    The values of credentials, and of fields that are never indexed (RFC 7541
    section 7.1.3), are left out.

    Args:
        headers: (name, value) pairs, bytes or str.
    """

    __slots__ = ("_headers",)

    def __init__(self, headers: Iterable[Any]) -> None:
        self._headers = headers

    def __str__(self) -> str:
        headers = self._headers.items() if isinstance(self._headers, Mapping) else self._headers
        return ", ".join(map(_text, headers))

    __repr__ = __str__


def reusable(headers: Iterable[Any]) -> Iterable[Any]:
    """Return fields that can be read twice: to send them, and to log them."""
    return headers if isinstance(headers, (list, tuple, Mapping)) else list(headers)


def _text(header: Any) -> str:
    name, value = (part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in header[:2])
    hidden = not getattr(header, "indexable", True) or name.strip().lower() in _SENSITIVE
    return f"{name}: {'<redacted>' if hidden else ascii(value)[1:-1]}"
