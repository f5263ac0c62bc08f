"""A TLS connection that began through memory, as a socket: for code that blocks, and for applications to ask."""
from __future__ import annotations

import socket
import ssl
from typing import Any

__all__ = ["TLSInfo", "TLSStream"]

#: Octets that are read from the socket at a time; a TLS record at most.
_READ = 16384 + 256

#: What can be asked of the socket, and of TLS.
_OF_SOCKET = ("fileno", "getpeername", "getsockname", "getsockopt", "gettimeout", "getblocking")
_OF_TLS = ("getpeercert", "cipher", "version", "selected_alpn_protocol", "shared_ciphers", "compression",
           "get_channel_binding")  # fmt: skip


class TLSInfo:
    """What an application may ask of its connection: addresses, and what TLS agreed on, as of an `ssl.SSLSocket`.

    Args:
        sock: The socket.
        tls: The `ssl.SSLObject`.
    """

    __slots__ = ("_sock", "_tls")

    def __init__(self, sock: socket.socket, tls: ssl.SSLObject) -> None:
        self._sock = sock
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        if name in _OF_TLS or name in ("context", "session", "session_reused", "server_side", "server_hostname"):
            return getattr(self._tls, name)
        if name in _OF_SOCKET or name in ("family", "type", "proto"):
            return getattr(self._sock, name)
        raise AttributeError(f"a connection that others use too has no {name!r} for an application")


class TLSStream:
    """What a loop began without blocking, for code that wants a blocking `ssl.SSLSocket`.

    Args:
        sock: The socket.
        tls: The `ssl.SSLObject`, its handshake done.
        bios: What it reads from and writes to, two `ssl.MemoryBIO`.
    """

    def __init__(self, sock: socket.socket, tls: ssl.SSLObject, bios: tuple[ssl.MemoryBIO, ssl.MemoryBIO]) -> None:
        self._sock = sock
        self._tls = tls
        self._rx, self._tx = bios
        for name in (*_OF_SOCKET, "setsockopt", "settimeout", "setblocking", "shutdown"):
            setattr(self, name, getattr(sock, name))
        for name in _OF_TLS:
            setattr(self, name, getattr(tls, name))

    @property
    def family(self) -> Any:
        """The socket's address family."""
        return self._sock.family

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS context."""
        return self._tls.context

    def pending(self) -> int:
        """Octets that are here already; the socket does not become readable for them."""
        return self._tls.pending() + self._rx.pending

    def _fill(self) -> None:
        data = self._sock.recv(_READ)
        if data:
            self._rx.write(data)
        else:
            self._rx.write_eof()

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        """Receive octets.

        Args:
            size: How many at most.
            flags: None can be given.

        Returns:
            bytes, empty at the end.
        """
        if flags:
            raise ValueError("TLS has no flags")
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive octets into a buffer; how many."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def _flush(self) -> None:
        data = self._tx.read()
        if data:
            self._sock.sendall(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send octets; how many of them, which is all."""
        self.sendall(data, flags)
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send octets, all of them.

        Args:
            data: Any buffer.
            flags: None can be given.
        """
        if flags:
            raise ValueError("TLS has no flags")
        view = memoryview(data).cast("B")
        while view:
            n = self._tls.write(view[:65536])
            view = view[n:]
            self._flush()

    def unwrap(self) -> socket.socket:
        """Say that nothing more comes, and return the socket."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it waits for the peer's own
        self._flush()
        return self._sock

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()
