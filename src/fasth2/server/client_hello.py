"""Parsing of the TLS ClientHello for its ALPN protocols and versions (RFC 8446 section 4.1.2, RFC 7301)."""
from __future__ import annotations

import ssl
from typing import Any, NamedTuple

__all__ = ["NOTHING", "Offer", "ServerTLS", "is_whole", "read_offer"]

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_ALPN = 16
_SUPPORTED_VERSIONS = 43
_TLS_13 = 0x0304

#: Octets of a record's header, and of the largest record content.
_HEADER = 5
_LARGEST = 16384 + 256


class _Reader:
    """Reads fields from octets; raises IndexError if they are truncated."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, n: int) -> bytes:
        end = self._at + n
        if end > len(self._data):
            raise IndexError
        part = self._data[self._at : end]
        self._at = end
        return part

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def vector(self, octets: int) -> bytes:
        """Read a field with a length prefix of so many octets."""
        return self.take(self.number(octets))

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def is_whole(data: bytes) -> bool:
    """Return True if the first record is complete, or is not a TLS handshake record of valid size.

    Args:
        data: The first octets of a connection.
    """
    if data[:1] != bytes((_HANDSHAKE,)):
        return True
    size = int.from_bytes(data[3:_HEADER], "big")
    return len(data) >= _HEADER and (len(data) >= _HEADER + size or size > _LARGEST)


class Offer(NamedTuple):
    """The relevant offers of a ClientHello."""

    #: True if HTTP/2 is among its protocols.
    h2: bool

    #: True if TLS 1.3 is among its versions.
    tls13: bool


#: The offer of an unparsed or absent ClientHello.
NOTHING = Offer(h2=False, tls13=False)


def read_offer(data: bytes) -> Offer:
    """Read a ClientHello.

    Args:
        data: The first octets of a connection. A ClientHello in several
            records, or an incomplete one, results in `NOTHING`.
    """
    h2 = tls13 = False
    try:
        record = _Reader(data)
        if record.number(1) != _HANDSHAKE:
            return NOTHING
        record.take(2)
        message = _Reader(record.vector(2))
        if message.number(1) != _CLIENT_HELLO:
            return NOTHING
        hello = _Reader(message.vector(3))
        hello.take(2 + 32)
        hello.vector(1)  # session
        hello.vector(2)  # ciphers
        hello.vector(1)  # compression
        extensions = _Reader(hello.vector(2))
        while extensions.left:
            kind = extensions.number(2)
            extension = _Reader(extensions.vector(2))
            if kind == _ALPN:
                names = _Reader(extension.vector(2))
                while names.left:
                    if names.vector(1) == b"h2":
                        h2 = True
            elif kind == _SUPPORTED_VERSIONS:
                versions = _Reader(extension.vector(1))
                while versions.left:
                    if versions.number(2) == _TLS_13:
                        tls13 = True
    except IndexError:
        return NOTHING
    return Offer(h2, tls13)


class ServerTLS:
    """A server's TLS contexts, and whether they choose HTTP/2.

    Args:
        context: The context.
        tls13_context: A context for clients that offer TLS 1.3, which differs in ciphers only; ``None``: `context`.

    Attributes:
        context: The context.
        tls13_context: The context for clients that offer TLS 1.3.
        chooses_h2: True if the contexts choose HTTP/2 for every client that offers it.
    """

    __slots__ = ("chooses_h2", "context", "tls13_context")

    def __init__(self, context: ssl.SSLContext, tls13_context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.tls13_context = context if tls13_context is None else tls13_context
        self.chooses_h2 = _chooses_h2(context)


def _chooses_h2(context: ssl.SSLContext) -> bool:
    if context.sni_callback is not None:
        # The callback may select another context.
        return False
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_alpn_protocols(["http/1.1", "h2"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends: list[Any] = [client.wrap_bio(to_client, to_server), context.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False  # it requires a client certificate, or something else
    return bool(ends[0].selected_alpn_protocol() == "h2")
