"""The protocols that a TLS client offers, read out of its first message (RFC 8446 section 4.1.2, RFC 7301)."""
from __future__ import annotations

import ssl
from typing import Any

__all__ = ["ServerTLS", "is_whole", "offers_h2"]

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_ALPN = 16

#: Octets of a record's header, and of its content at most.
_HEADER = 5
_LARGEST = 16384 + 256


class _Reader:
    """Takes fields off octets; IndexError where they end too soon."""

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
        """A field whose length stands before it, in so many octets."""
        return self.take(self.number(octets))

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def is_whole(data: bytes) -> bool:
    """Whether the first record is all there, or is none that should be waited for.

    Args:
        data: What a client sent first.
    """
    if data[:1] != bytes((_HANDSHAKE,)):
        return True
    size = int.from_bytes(data[3:_HEADER], "big")
    return len(data) >= _HEADER and (len(data) >= _HEADER + size or size > _LARGEST)


def offers_h2(data: bytes) -> bool:
    """Whether a client offers HTTP/2.

    Args:
        data: What it sent first. A ClientHello in several records, or one that
            is not all there, counts as one that does not.
    """
    try:
        record = _Reader(data)
        if record.number(1) != _HANDSHAKE:
            return False
        record.take(2)
        message = _Reader(record.vector(2))
        if message.number(1) != _CLIENT_HELLO:
            return False
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
                        return True
                return False
    except IndexError:
        pass
    return False


class ServerTLS:
    """A server's TLS context, and what it does with clients that offer HTTP/2.

    Args:
        context: The context.

    Attributes:
        context: The context.
        chooses_h2: Whether it chooses HTTP/2 for every client that offers it.
    """

    __slots__ = ("chooses_h2", "context")

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.chooses_h2 = _chooses_h2(context)


def _chooses_h2(context: ssl.SSLContext) -> bool:
    if context.sni_callback is not None:
        # It may take another context.
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
                return False  # it wants a certificate, or something else that is not known here
    return bool(ends[0].selected_alpn_protocol() == "h2")
