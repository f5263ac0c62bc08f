"""The head of an ASGI application's response."""
from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

__all__ = ["SERVER", "ResponseHead", "date_field"]

#: The field that gunicorn's asgi worker sends over HTTP/1.1.
SERVER = (b"server", b"gunicorn/asgi")

_DATE_NAMES = (b"date", "date")
_SERVER_NAMES = (b"server", "server")
_LENGTH_NAMES = (b"content-length", "content-length")
_CODING_NAMES = (b"transfer-encoding", "transfer-encoding")

#: Largest number of digits of a Content-Length, so that its value fits 63 bits.
_DIGITS = 18

# The field of the current second.
_date_second = -1
_date_field = (b"date", b"")


def date_field() -> tuple[bytes, bytes]:
    """Return the field ``date`` (RFC 9110 section 6.6.1), formatted once a second."""
    global _date_second, _date_field
    second = int(time.time())
    if second != _date_second:
        _date_field = (b"date", formatdate(second, usegmt=True).encode("ascii"))
        _date_second = second
    return _date_field


class ResponseHead:
    """A response's status and fields, with the fields that the server adds.

    Args:
        status: The final status.
        fields: The application's ``(name, value)`` pairs.
        method: The request's method.

    Raises:
        ValueError: A Content-Length is not a number of octets, or two of them differ.
    """

    __slots__ = ("_adds_date", "_adds_server", "fields", "length", "omits_body", "status")

    def __init__(self, status: int, fields: Iterable[Any], method: str) -> None:
        self.status = status
        #: The application's fields, without those that may not be sent.
        self.fields: list[Any] = fields if type(fields) is list else list(fields)
        #: Octets that Content-Length announces; -1 without one.
        self.length = -1
        self._adds_date = self._adds_server = True
        lengths = 0
        for field in self.fields:
            # The length rules out most names.
            size = len(field[0])
            if size == 4:
                if field[0].lower() in _DATE_NAMES:
                    self._adds_date = False
            elif size == 6:
                if field[0].lower() in _SERVER_NAMES:
                    self._adds_server = False
            elif size == 14 and field[0].lower() in _LENGTH_NAMES:
                lengths += 1
                length = _octets(field[1])
                if lengths > 1 and length != self.length:
                    raise ValueError(f"Content-Length is given as {self.length} and as {length}")
                self.length = length
        #: True if the response has no body (RFC 9110 section 6.4.1).
        self.omits_body = method == "HEAD" or status in (204, 304)
        if lengths > 1:
            # RFC 9110 section 8.6: repeated equal values are merged.
            self._leave_out(_LENGTH_NAMES)
            self.fields.append((b"content-length", b"%d" % self.length))
        if self.omits_body:
            self._leave_out(_CODING_NAMES)
            if status == 204:
                self._leave_out(_LENGTH_NAMES)

    def _leave_out(self, names: tuple[bytes, str]) -> None:
        self.fields = [field for field in self.fields if field[0].lower() not in names]

    def length_is(self, size: int) -> None:
        """Add the Content-Length to a response to HEAD whose complete body is known.

        Args:
            size: The body's octets.
        """
        if size and self.length < 0 and self.status not in (204, 304):
            self.fields = [*self.fields, (b"content-length", b"%d" % size)]
            self.length = size

    def fields_to_send(self) -> list[Any]:
        """Return the fields, with ``date`` and ``server`` unless the application set them."""
        fields = self.fields
        if self._adds_date:
            return [*fields, date_field(), SERVER] if self._adds_server else [*fields, date_field()]
        return [*fields, SERVER] if self._adds_server else fields


def _octets(value: Any) -> int:
    if type(value) is not bytes or not value.isdigit():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        text = text.strip(" \t")
        value = text if text.isascii() and text.isdigit() else ""
    if not 0 < len(value) <= _DIGITS:
        raise ValueError(f"Content-Length {value!r} is not a number of octets")
    return int(value)
