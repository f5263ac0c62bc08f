"""Socket interfaces to a TLS connection over memory BIOs: a blocking socket, and information for applications."""
from __future__ import annotations

import socket
import ssl
from typing import Any

__all__ = ["TLSInfo", "TLSStream"]

#: Bytes of one read from the socket: the largest TLS record.
_READ = 16384 + 256

#: Methods available from the socket, and from the TLS object.
_OF_SOCKET = ("fileno", "getpeername", "getsockname", "getsockopt", "gettimeout", "getblocking")
_OF_TLS = ("getpeercert", "cipher", "version", "selected_alpn_protocol", "shared_ciphers", "compression",
           "get_channel_binding")  # fmt: skip


class TLSInfo:
    """Information about a connection for applications: addresses and TLS parameters, as of an `ssl.SSLSocket`.

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
        raise AttributeError(f"the socket of a shared HTTP/2 connection has no {name!r}")


class TLSStream:
    """A blocking socket, like an `ssl.SSLSocket`, over a TLS connection whose handshake used memory BIOs.

    Args:
        sock: The socket.
        tls: The `ssl.SSLObject`, with a complete handshake.
        bios: Its `ssl.MemoryBIO` for input and for output.
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
        """Return the number of octets already read, for which the socket does not become readable."""
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
            size: Largest number of octets.
            flags: Must be 0.

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
        """Receive octets into a buffer; return their number."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def _flush(self) -> None:
        data = self._tx.read()
        if data:
            self._sock.sendall(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send all octets; return their number."""
        self.sendall(data, flags)
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all octets.

        Args:
            data: Any buffer.
            flags: Must be 0.
        """
        if flags:
            raise ValueError("TLS has no flags")
        view = memoryview(data).cast("B")
        while view:
            n = self._tls.write(view[:65536])
            view = view[n:]
            self._flush()

    def unwrap(self) -> socket.socket:
        """Send close_notify, and return the socket."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's close_notify is not waited for
        self._flush()
        return self._sock

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()
