"""The header of the PROXY protocol, versions 1 and 2, by which a proxy tells its client's address. Parsing is sans-I/O.

The specification is HAProxy's ``doc/proxy-protocol.txt``.
"""
from __future__ import annotations

import enum
import re
import socket
from typing import Any, NamedTuple, Protocol

__all__ = ["PROXY_VERSIONS", "NoHeader", "ProxyHeader", "ProxyHeaderError", "ProxyHeaderReceiver", "read_proxy_header"]

#: The versions that each value of gunicorn's ``proxy_protocol`` accepts.
PROXY_VERSIONS: dict[str, frozenset[int]] = {
    "off": frozenset(),
    "v1": frozenset((1,)),
    "v2": frozenset((2,)),
    "auto": frozenset((1, 2)),
}

_START_1 = b"PROXY "
_START_2 = b"\r\n\r\n\x00\r\nQUIT\n"

#: Octets of the longest header of version 1, with its end of line (section 2.1).
_LONGEST_1 = 107

#: Octets of version 2 before the addresses, and of the longest header.
_FIXED_2 = 16
_LONGEST_2 = _FIXED_2 + 65535

_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")

# Version 2's commands, families and transport (section 2.2).
_LOCAL, _PROXY = 0, 1
_UNSPEC, _INET, _INET6, _UNIX = range(4)
_STREAM = 1


class NoHeader(enum.Enum):
    """The reason why no header was parsed."""

    #: The octets are the beginning of a header.
    INCOMPLETE = enum.auto()

    #: The octets do not begin with a header.
    ABSENT = enum.auto()


class ProxyHeaderError(ValueError):
    """A header that violates the specification, or that is not for a stream connection."""


class ProxyHeader(NamedTuple):
    """A parsed header."""

    #: Its size in octets.
    size: int

    #: TCP4, TCP6 or UNIX; UNKNOWN, UNSPEC or LOCAL for a header without addresses.
    protocol: str

    #: The client's address, in the form of the `socket` module; ``None``: the connection's peer is the client.
    client: tuple[str, int] | str | None

    #: The address that the client connected to, likewise.
    proxy: tuple[str, int] | str | None


def read_proxy_header(data: bytes, versions: frozenset[int]) -> ProxyHeader | NoHeader:
    """Parse the header at the beginning of a connection.

    Args:
        data: The octets received so far.
        versions: The accepted versions; a header of another one is `NoHeader.ABSENT`.

    Raises:
        ProxyHeaderError: The header is not valid.
    """
    if 2 in versions and data[: len(_START_2)] == _START_2[: len(data)]:
        return _read_2(data) if len(data) >= _FIXED_2 else NoHeader.INCOMPLETE
    if 1 in versions and data[: len(_START_1)] == _START_1[: len(data)]:
        return _read_1(data)
    return NoHeader.ABSENT


def _read_1(data: bytes) -> ProxyHeader | NoHeader:
    end = data.find(b"\r\n", 0, _LONGEST_1)
    if end < 0:
        if len(data) >= _LONGEST_1:
            raise ProxyHeaderError("a PROXY header without an end")
        return NoHeader.INCOMPLETE
    size = end + 2
    parts = data[:end].split(b" ")
    if parts[1] == b"UNKNOWN":
        return ProxyHeader(size, "UNKNOWN", None, None)
    if parts[1] not in (b"TCP4", b"TCP6") or len(parts) != 6:
        raise ProxyHeaderError(f"a PROXY header that says {data[:end]!r}")
    family = socket.AF_INET if parts[1] == b"TCP4" else socket.AF_INET6
    addresses = []
    for name, port in ((parts[2], parts[4]), (parts[3], parts[5])):
        try:
            text = name.decode("ascii")
            socket.inet_pton(family, text)
        except (OSError, ValueError) as exc:
            raise ProxyHeaderError(f"a PROXY header with the address {name!r}") from exc
        if _PORT.fullmatch(port) is None or int(port) > 65535:
            raise ProxyHeaderError(f"a PROXY header with the port {port!r}")
        addresses.append((text, int(port)))
    return ProxyHeader(size, parts[1].decode(), addresses[0], addresses[1])


def _read_2(data: bytes) -> ProxyHeader | NoHeader:
    version, command = data[12] >> 4, data[12] & 0xF
    family, transport = data[13] >> 4, data[13] & 0xF
    if version != 2 or command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"a PROXY header with the version and command {data[12]:#x}")
    length = int.from_bytes(data[14:16], "big")
    size = _FIXED_2 + length
    if command == _PROXY and family != _UNSPEC:
        needed = {_INET: 12, _INET6: 36, _UNIX: 216}.get(family)
        if needed is None or transport != _STREAM:
            raise ProxyHeaderError(f"a PROXY header with the family and transport {data[13]:#x}")
        if length < needed:
            raise ProxyHeaderError(f"a PROXY header with {length} octets of addresses")
    if len(data) < size:
        return NoHeader.INCOMPLETE
    if command == _LOCAL:
        return ProxyHeader(size, "LOCAL", None, None)
    if family == _UNSPEC:
        return ProxyHeader(size, "UNSPEC", None, None)
    at = data[_FIXED_2:size]
    if family == _UNIX:
        client, proxy = (part.split(b"\0", 1)[0].decode("utf-8", "surrogateescape") for part in (at[:108], at[108:216]))
        return ProxyHeader(size, "UNIX", client, proxy)
    kind, octets = (socket.AF_INET, 4) if family == _INET else (socket.AF_INET6, 16)
    ports = at[2 * octets : 2 * octets + 4]
    return ProxyHeader(
        size,
        "TCP4" if family == _INET else "TCP6",
        (socket.inet_ntop(kind, at[:octets]), int.from_bytes(ports[:2], "big")),
        (socket.inet_ntop(kind, at[octets : 2 * octets]), int.from_bytes(ports[2:], "big")),
    )


class _Socket(Protocol):
    def recv(self, size: int, flags: int = ..., /) -> bytes: ...


class ProxyHeaderReceiver:
    """Reads a header from a socket, and no octet after it.

    Args:
        sock: The socket, blocking or not.
        versions: The accepted versions.
        preface: Octets that have to follow the header. A header without them stays unread, and so does an invalid
            one. Empty: anything may follow.

    Attributes:
        header: The header, once `receive` has returned True; ``None`` if there is none.
    """

    def __init__(self, sock: _Socket, versions: frozenset[int], preface: bytes = b"") -> None:
        self._sock = sock
        self._versions = versions
        self._preface = preface
        self._taken = b""
        self.header: ProxyHeader | None = None

    def receive(self) -> bool:
        """Receive once.

        Returns:
            True when done; False if more input is needed, which may be readable already.

        Raises:
            ProxyHeaderError: The header is not valid.
            OSError: As the socket's ``recv``.
        """
        peeked = self._sock.recv(_LONGEST_2 + len(self._preface), socket.MSG_PEEK)
        if not peeked:
            return True
        data = self._taken + peeked
        try:
            found: Any = read_proxy_header(data, self._versions)
        except ProxyHeaderError:
            if self._preface:
                return True
            raise
        if found is NoHeader.INCOMPLETE:
            if not self._preface:
                self._take(len(peeked))
                self._taken = data
            return False
        if found is NoHeader.ABSENT:
            if self._taken:
                raise ProxyHeaderError("a connection that begins like a PROXY header")
            return True
        if self._preface:
            behind = data[found.size : found.size + len(self._preface)]
            if behind != self._preface:
                return not self._preface.startswith(behind)
        self._take(found.size - len(self._taken))
        self.header = found
        return True

    def _take(self, size: int) -> None:
        while size > 0:
            data = self._sock.recv(size)
            if not data:
                raise ConnectionResetError("the client closed the connection")
            size -= len(data)
