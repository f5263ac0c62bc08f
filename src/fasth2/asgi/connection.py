"""One client of the ASGI server on sockets of its own: its beginning, its time-outs and its end."""
from __future__ import annotations

import os
import socket
import ssl
import time
from typing import Any, Protocol

from fasth2.server._progress import MIN_RATE, send_deadline
from fasth2.server.client_hello import ServerTLS
from fasth2.server.opening import Opening
from fasth2.server.proxy_header import ProxyHeader

from .session import Session
from .transport import LoopTransport

__all__ = ["Client", "ConnectionHost"]

#: Seconds from the end of the client's input to the first look whether it has reset the connection.
PROBE_WAIT = 0.1


class ConnectionHost(Protocol):
    """What a client needs of the server's host."""

    def new_session(self, client: Client) -> Session:
        """Return the session of an HTTP/2 connection."""

    def new_http1(self, client: Client) -> Any:
        """Return the `asyncio.Protocol` that serves HTTP/1.1, not connected yet."""

    def proxy_versions(self, client: Client) -> frozenset[int]:
        """Return the versions of the PROXY protocol that are accepted from a client."""

    def takes_prior_knowledge(self, client: Client) -> bool:
        """Return True if a client may use cleartext HTTP/2 with prior knowledge."""

    def session_ended(self, client: Client) -> None:
        """Called when a connection is closed; applications may still run."""

    def handshake_failed(self, client: Client, error: BaseException) -> None:
        """Called when a TLS handshake has failed."""

    def connection_ended(self, client: Client, error: BaseException) -> None:
        """Called when a connection has ended by an error or by its peer."""


class Client(LoopTransport):
    """A client's connection.

    Args:
        server: The server (`fasth2.asgi.listening.Server`).
        sock: The client's socket, non-blocking.
        address: The peer's address.
        sockname: The address of the listening socket.
        server_tls: The TLS settings, or ``None`` for cleartext.

    Attributes:
        address: The peer's address, which decides whether it is a trusted proxy.
        proxied: The connection's PROXY header, or ``None``.
    """

    __slots__ = ("_deadline", "_opening", "_seen", "_seen_at", "_server", "address", "proxied", "sockname")

    def __init__(self, server: Any, sock: Any, address: Any, sockname: Any, server_tls: ServerTLS | None) -> None:
        self._server = server
        self.address = address
        self.sockname = sockname
        self.proxied: ProxyHeader | None = None
        self._deadline: float | None = None if server.timeout is None else time.monotonic() + server.timeout
        # Of the output that waits: octets at the last check, and the time at which they became fewer.
        self._seen = 0
        self._seen_at = 0.0
        host: ConnectionHost = server.host
        # Until the protocol is known.
        self._opening: Opening | None = Opening(
            server_tls, host.proxy_versions(self), server_tls is None and host.takes_prior_knowledge(self)
        )
        super().__init__(sock, server.loop, server.buffers)

    def __repr__(self) -> str:
        return f"<Client {self.address} session={self.session!r}>"

    @property
    def is_opening(self) -> bool:
        """True until the protocol is known."""
        return self._opening is not None

    def opening_readable(self) -> None:
        """Read once: a part of the TLS handshake, or the first octets in the clear."""
        opening = self._opening
        data = self.read_first(self.buffers)
        if not data or opening is None:
            return
        host: ConnectionHost = self._server.host
        try:
            is_h2 = opening.feed(self, data, self.buffers)
        except ssl.SSLError as error:
            self.lose(None)
            host.handshake_failed(self, error)
            return
        if is_h2 is None:
            return
        self._opening = None
        self._deadline = None
        self.proxied = opening.proxied
        if is_h2:
            self.session = host.new_session(self)
            if self._server.stopping:
                self.session.shutdown()
        else:
            protocol = self.protocol = host.new_http1(self)
            protocol.connection_made(self)
        if self.tls is not None:
            self.read_early(self.buffers)
        elif is_h2:
            assert self.session is not None
            self.session.feed(opening.early)
        else:
            self.protocol.data_received(opening.early)

    def input_ended(self) -> None:
        """See `LoopTransport.input_ended`."""
        super().input_ended()
        if not self.closing:
            self.loop.call_later(PROBE_WAIT, self._probe)

    def _probe(self) -> None:
        """End a connection whose client has reset it; input, which tells that otherwise, is not awaited any more."""
        if self.lost or self.input_open:
            return
        if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.fail(OSError(error, os.strerror(error)))

    def failed(self, error: BaseException) -> None:
        """Called when the socket or its TLS has failed."""
        self._server.host.connection_ended(self, error)

    def ended(self) -> None:
        """Called when the socket is closed."""
        self._server.host.session_ended(self)
        self._server.forget(self)

    # Time-outs

    def shorten_deadline(self, deadline: float) -> None:
        """Shorten the time in which the client has to begin.

        Args:
            deadline: `time.monotonic`'s.
        """
        if self._opening is not None and (self._deadline is None or self._deadline > deadline):
            self._deadline = deadline

    def check_timeouts(self, now: float) -> None:
        """Act on expired time-outs. Called about once a second.

        Args:
            now: `time.monotonic`'s.
        """
        if self.lost:
            return
        if self._opening is not None:
            if self._deadline is not None and now >= self._deadline:
                self.fail(TimeoutError("the client has not begun in time"))
            return
        if not self.input_open:
            self._probe()
        timeout = self._server.timeout
        if self.blocked_since and timeout is not None and (self.session is not None or self.closing):
            left = len(self.out)
            if left != self._seen or self._seen_at < self.blocked_since:
                self._seen = left
                self._seen_at = now
            taken = max(self.blocked_size - left, 0)
            if now >= send_deadline(timeout, MIN_RATE, taken, self.blocked_since, self._seen_at):
                self.fail(TimeoutError("the client takes nothing"))
                return
        if self.session is not None:
            self.session.check_timeouts(now)
