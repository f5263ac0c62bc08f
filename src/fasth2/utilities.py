"""Functions on lists of header fields, under h2's module name.

The engine does not use them: it checks and normalizes fields while it encodes
and decodes them. They follow h2's rules, which are those of RFC 9113 sections
8.2 and 8.3 as far as h2 checks them.
"""
from __future__ import annotations

import collections
from collections.abc import Generator, Iterable
from typing import Any, NamedTuple, TypeAlias

from fasth2.exceptions import FlowControlError as FlowControlError
from fasth2.exceptions import ProtocolError as ProtocolError
from fasth2.hpack.struct import HeaderTuple as HeaderTuple
from fasth2.hpack.struct import NeverIndexedHeaderTuple as NeverIndexedHeaderTuple

__all__ = [
    "CONNECTION_HEADERS",
    "INFORMATIONAL_START",
    "SIGIL",
    "HeaderValidationFlags",
    "SizeLimitDict",
    "authority_from_headers",
    "extract_method_header",
    "guard_increment_window",
    "is_informational_response",
    "normalize_inbound_headers",
    "normalize_outbound_headers",
    "utf8_encode_headers",
    "validate_headers",
    "validate_outbound_headers",
]

Header: TypeAlias = HeaderTuple | NeverIndexedHeaderTuple | tuple[bytes, bytes]
WeakHeader: TypeAlias = HeaderTuple | NeverIndexedHeaderTuple | tuple[bytes | str, bytes | str]

#: The octet that pseudo-header fields begin with.
SIGIL = ord(":")

#: The first octet of an informational status.
INFORMATIONAL_START = ord("1")

#: Fields about a single connection, which HTTP/2 does not have (RFC 9113 section 8.2.2).
CONNECTION_HEADERS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})

_OF_REQUESTS = frozenset({b":method", b":scheme", b":authority", b":path", b":protocol"})
_PSEUDO = _OF_REQUESTS | {b":status"}

#: Never indexed (RFC 7541 section 7.1.3), as are cookies shorter than this.
_CREDENTIALS = frozenset({b"authorization", b"proxy-authorization"})
_SHORT_COOKIE = 20

_MAX_WINDOW = 2**31 - 1


class HeaderValidationFlags(NamedTuple):
    """What a list of header fields belongs to.

    Args:
        is_client: True for the client's side of the connection.
        is_trailer: True for trailers.
        is_response_header: True for a response.
        is_push_promise: True for a promised request.
    """

    is_client: bool
    is_trailer: bool
    is_response_header: bool
    is_push_promise: bool


def extract_method_header(headers: Iterable[WeakHeader]) -> bytes | None:
    """Return the value of ``:method`` as bytes, ``None`` without one.

    Args:
        headers: (name, value) pairs, bytes or str.
    """
    for name, value in headers:
        if name == b":method" and isinstance(value, bytes):
            return value
        if name == ":method" and isinstance(value, str):
            return value.encode()
    return None


def is_informational_response(headers: Iterable[Header]) -> bool:
    """Return True if the status of a response is 1xx (RFC 9110 section 15.2).

    Args:
        headers: (name, value) pairs of bytes, pseudo-header fields first.
    """
    for name, value in headers:
        if name == b":status":
            return value[:1] == b"1"
        if name[:1] != b":":
            break
    return False


def guard_increment_window(current: int, increment: int) -> int:
    """Return the size of a window after an increment (RFC 9113 section 6.9.1).

    Args:
        current: Its size, in octets.
        increment: What is added.

    Raises:
        FlowControlError: The result is larger than 2**31 - 1.
    """
    size = current + increment
    if size > _MAX_WINDOW:
        raise FlowControlError(f"a flow-control window of {size} octets is larger than {_MAX_WINDOW}")
    return size


def authority_from_headers(headers: Iterable[Header]) -> bytes | None:
    """Return the value of ``:authority``, ``None`` without one.

    Args:
        headers: (name, value) pairs of bytes.
    """
    return next((value for name, value in headers if name == b":authority"), None)


def utf8_encode_headers(headers: Iterable[WeakHeader]) -> list[Header]:
    """Encode the names and values that are str as UTF-8. Each pair keeps its type.

    Args:
        headers: (name, value) pairs, bytes or str.

    Returns:
        A list of pairs of bytes.
    """
    return [
        _like(header, *(part if isinstance(part, bytes) else part.encode() for part in header[:2]))
        for header in headers
    ]


def normalize_outbound_headers(
    headers: Iterable[Header],
    hdr_validation_flags: HeaderValidationFlags | None,
    should_split_outbound_cookies: bool = False,
) -> Generator[Header, None, None]:
    """Normalize fields that are about to be sent.

    Names are converted to lower case, white space around names and values is
    stripped, fields about a single connection are left out, and credentials
    and short cookies are never indexed. The other pairs keep their type.

    Args:
        headers: (name, value) pairs of bytes.
        hdr_validation_flags: What they belong to; not used.
        should_split_outbound_cookies: True to make each cookie a field of its
            own (RFC 9113 section 8.2.3).

    Yields:
        The normalized pairs.
    """
    for header in headers:
        name, value = header[0].lower(), header[1]
        for part in value.split(b"; ") if should_split_outbound_cookies and name == b"cookie" else (value,):
            field = _like(header, name.strip(), part.strip())
            if field[0] in _CREDENTIALS or (field[0] == b"cookie" and len(field[1]) < _SHORT_COOKIE):
                yield NeverIndexedHeaderTuple(*field)
            elif field[0] not in CONNECTION_HEADERS:
                yield field


def normalize_inbound_headers(
    headers: Iterable[Header], hdr_validation_flags: HeaderValidationFlags
) -> Generator[Header, None, None]:
    """Join the cookie fields that were received to one, which comes last and is never indexed (RFC 9113 section 8.2.3).

    Args:
        headers: (name, value) pairs of bytes.
        hdr_validation_flags: What they belong to; not used.

    Yields:
        The normalized pairs.
    """
    cookies = []
    for header in headers:
        if header[0] == b"cookie":
            cookies.append(header[1])
        else:
            yield header
    if cookies:
        yield NeverIndexedHeaderTuple(b"cookie", b"; ".join(cookies))


def validate_headers(headers: Iterable[Header], hdr_validation_flags: HeaderValidationFlags) -> Iterable[Header]:
    """Check fields that were received (RFC 9113 sections 8.2 and 8.3), while the result is iterated over.

    Args:
        headers: (name, value) pairs of bytes.
        hdr_validation_flags: What they belong to.

    Returns:
        An iterator of the same pairs. It raises ProtocolError at a field that
        breaks a rule, and at the end for one that is missing.
    """
    return _checked((_with_valid_octets(header) for header in headers), hdr_validation_flags)


def validate_outbound_headers(
    headers: Iterable[Header], hdr_validation_flags: HeaderValidationFlags
) -> Generator[Header, None, None]:
    """Check fields that are about to be sent, as `validate_headers` does but for the octets of names and values.

    Args:
        headers: (name, value) pairs of bytes.
        hdr_validation_flags: What they belong to.

    Returns:
        An iterator of the same pairs, which raises as that of `validate_headers`.
    """
    return _checked(headers, hdr_validation_flags)


class SizeLimitDict(collections.OrderedDict[int, Any]):
    """A dict of so many entries at most: a new one pushes out the oldest.

    Args:
        args: As for ``dict``.
        kwargs: ``size_limit``, the number of entries, ``None`` for no limit;
            the rest as for ``dict``.
    """

    def __init__(self, *args: dict[int, int], **kwargs: Any) -> None:
        self._size_limit: int | None = kwargs.pop("size_limit", None)
        super().__init__(*args, **kwargs)

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        while self._size_limit is not None and len(self) > self._size_limit:
            self.popitem(last=False)


def _like(header: tuple[Any, ...], name: bytes, value: bytes) -> Header:
    """A pair of the type of another one."""
    return type(header)(name, value) if isinstance(header, HeaderTuple) else (name, value)


def _with_valid_octets(header: Header) -> Header:
    """Return the field. Raises ProtocolError for octets that its name or value must not have (section 8.2.1)."""
    name, value = header
    if not name:
        raise ProtocolError("a header name is empty")
    if any(octet <= 0x20 or octet >= 0x7F or 0x41 <= octet <= 0x5A for octet in name) or b":" in name[1:]:
        raise ProtocolError(f"header name {name!r} has an octet that is not allowed")
    if any(octet in value for octet in (b"\0", b"\r", b"\n")):
        raise ProtocolError(f"the value of header {name!r} has an octet that is not allowed")
    if value[:1] in (b" ", b"\t") or value[-1:] in (b" ", b"\t"):
        raise ProtocolError(f"the value of header {name!r} begins or ends with white space")
    return header


def _checked(headers: Iterable[Header], flags: HeaderValidationFlags) -> Generator[Header, None, None]:
    """Yield the fields. Raises ProtocolError for one that is not allowed, and at the end for one that is missing."""
    is_request = not flags.is_response_header and not flags.is_trailer
    pseudo: dict[bytes, bytes] = {}
    host: bytes | None = None
    regular = False
    for header in headers:
        name, value = header
        if name == b"te" and value.lower() != b"trailers":
            raise ProtocolError(f"te is {value!r}")
        if name in CONNECTION_HEADERS:
            raise ProtocolError(f"header {name!r} is about a single connection")
        if name[:1] != b":":
            regular = True
        elif name in pseudo:
            raise ProtocolError(f"pseudo-header field {name!r} is there twice")
        elif regular:
            raise ProtocolError(f"pseudo-header field {name!r} comes after other fields")
        elif name not in _PSEUDO:
            raise ProtocolError(f"pseudo-header field {name!r} is unknown")
        else:
            pseudo[name] = value
        if is_request and name == b"host":
            if host is not None:
                raise ProtocolError("host is there twice")
            host = value
        if is_request and name == b":path" and not value:
            raise ProtocolError(":path is empty")
        yield header
    _check_pseudo(pseudo, flags)
    if is_request:
        authority = pseudo.get(b":authority")
        if authority is None and host is None:
            raise ProtocolError("a request has neither :authority nor host")
        if authority is not None and host is not None and authority != host:
            raise ProtocolError(f":authority {authority!r} and host {host!r} differ")


def _check_pseudo(pseudo: dict[bytes, bytes], flags: HeaderValidationFlags) -> None:
    """Raise ProtocolError if pseudo-header fields are missing, or do not belong there (sections 8.1, 8.3 and 8.5)."""
    if flags.is_trailer and pseudo:
        raise ProtocolError(f"trailers have pseudo-header fields: {sorted(pseudo)}")
    if flags.is_response_header:
        needed, excluded = {b":status"}, _OF_REQUESTS
    elif flags.is_trailer:
        return
    elif pseudo.get(b":method") != b"CONNECT":
        needed, excluded = {b":method", b":scheme", b":path"}, frozenset({b":status", b":protocol"})
    elif b":protocol" in pseudo:
        needed, excluded = {b":scheme", b":path"}, frozenset({b":status"})
    else:
        needed, excluded = set(), frozenset({b":status", b":scheme", b":path"})
    if missing := needed - set(pseudo):
        raise ProtocolError(f"pseudo-header fields are missing: {sorted(missing)}")
    if wrong := excluded & set(pseudo):
        raise ProtocolError(f"pseudo-header fields do not belong here: {sorted(wrong)}")
