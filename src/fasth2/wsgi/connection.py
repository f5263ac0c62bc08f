"""One client of a worker's loop: socket, TLS, and the session that answers its requests."""
from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from fasth2.server._closing import Lingering
from fasth2.server._progress import MIN_RATE, send_deadline
from fasth2.server.client_hello import ServerTLS
from fasth2.server.opening import Opening
from fasth2.server.proxy_header import ProxyHeader
from fasth2.server.tls_stream import TLSInfo

from .poller import READ, WRITE, Poller
from .wire import LoopState, Wire

__all__ = ["Client", "ClientLoop"]

#: Octets of framed output above which a client that takes output is not read from: answers that need no window, and
#: that no limit on streams bounds.
MOST_FRAMED = 65536

#: Payload of the PING that probes whether a client still reads.
_PROBE = b"present?"

# States of a connection.
_HANDSHAKE = 0
_SERVING = 1
_CLOSING = 2
_CLOSED = 3

#: Errors of a socket or TLS that end a connection.
_FAILURES = (OSError, ValueError)


class ClientLoop(LoopState):
    """What a client needs of its loop."""

    #: The face above the loop (`fasth2.wsgi.loop.Host`).
    host: Any

    #: What events come from.
    poller: Poller

    #: Seconds that a client may take for a handshake, or stall; ``None`` for any.
    timeout: float | None

    #: Seconds that a connection may be idle; ``None`` for any.
    keepalive: float | None

    #: True if a PING resets the idle timeout of its connection.
    keepalive_pings: bool

    #: True once all connections are to be closed.
    draining: bool

    #: Number of partial writes by which slow clients made progress.
    written: int

    def flush_later(self, client: Client, when: float) -> None:
        """Have a client's `flush` called at some time.

        Args:
            client: The client.
            when: `time.monotonic`'s.
        """
        raise NotImplementedError

    def forget(self, client: Client, taker: Callable[[], Any] | None = None) -> None:
        """Remove a client whose socket is closed or handed over.

        Args:
            client: The client.
            taker: Called to hand over the socket before the host can be notified that the loop is drained.
        """
        raise NotImplementedError

    def end(self, client: Client) -> None:
        """Send a client the final GOAWAY and close the connection once all requests are answered.

        Args:
            client: The client.
        """
        raise NotImplementedError


class Client(Wire):
    """A client's connection. Used by the leader only.

    Args:
        loop: The loop.
        sock: The client's socket, non-blocking.
        address: The peer's address.
        listener: The listening socket.
        server_tls: The TLS settings, or ``None`` for cleartext.

    Attributes:
        address: The peer's address, which decides whether it is a trusted proxy.
        proxied: The connection's PROXY protocol header, or ``None``.
    """

    __slots__ = (
        "_blocked_left", "_blocked_seen", "_blocked_seen_at", "_blocked_since", "_deadline", "_ended", "_input_open",
        "_lingering", "_mask", "_opening", "_seen_uses", "_state", "address", "in_backlog", "listener", "loop", "proxied",
    )  # fmt: skip

    def __init__(self, loop: ClientLoop, sock: Any, address: Any, listener: Any, server_tls: ServerTLS | None) -> None:
        super().__init__(sock)
        self.loop = loop
        self.address = address
        self.listener = listener
        self.in_backlog = False
        self._state = _HANDSHAKE
        self._mask = READ
        self.proxied: ProxyHeader | None = None
        # Until the protocol is known.
        self._opening: Opening | None = Opening(
            server_tls, loop.host.proxy_versions(self), server_tls is None and loop.host.takes_prior_knowledge(self)
        )
        self._deadline: float | None = loop.now + loop.timeout if loop.timeout is not None else None
        self._blocked_since: float | None = None
        self._blocked_left = self._blocked_seen = 0
        self._blocked_seen_at = 0.0
        self._seen_uses = -1
        self._lingering: Lingering | None = None
        self._ended = False
        # The client has not closed its sending side.
        self._input_open = True
        loop.poller.register(self.fd, READ)

    def __repr__(self) -> str:
        return f"<Client {self.address} session={self.session!r}>"

    @property
    def socket_info(self) -> Any:
        """The value of ``gunicorn.socket`` for applications."""
        tls = self.tls
        return self.sock if tls is None else TLSInfo(self.sock, tls)

    @property
    def leaving(self) -> bool:
        """True if the connection will be closed once its requests are answered."""
        return self._ended

    @property
    def waits(self) -> bool:
        """True if requests wait for a thread."""
        session = self.session
        return session is not None and session.waiting

    # Events

    def on_event(self, event: int) -> bool:
        """Handle an event of the socket.

        Args:
            event: READ, WRITE, and other bits of the poller.

        Returns:
            False when the thread has lost the lead.
        """
        try:
            if self._state == _SERVING:
                if self.out:
                    if not event & ~READ:
                        return True
                    self._write_rest()
                    session = self.session
                    if (self.out or self._ended or not self._input_open or session.error is not None
                            or session.framed > MOST_FRAMED):
                        self.flush()
                        return True
                    # A client that takes output is read from, although bodies still wait for their turn.
                if not self.serve(self.loop):
                    return False
                self._after_sending()
            elif self.out and event & ~READ:
                self._write_rest()
            elif self._state == _HANDSHAKE:
                self._detect_protocol()
                return self.go_on()
            elif self._state == _CLOSING:
                self._linger()
        except _FAILURES as exc:
            self._failed(exc)
        return True

    def go_on(self) -> bool:
        """Run the waiting requests, and send their responses.

        Returns:
            False when the thread has lost the lead.
        """
        if self._state == _SERVING:
            try:
                if not self.run(self.loop):
                    return False
                self._after_sending()
            except _FAILURES as exc:
                self._failed(exc)
        return True

    # Reading

    def _detect_protocol(self) -> None:
        """Continue the TLS handshake, or read the first octets of a cleartext connection, to detect the protocol."""
        loop = self.loop
        data = self.read_first(loop.buffers)
        opening = self._opening
        if not data or opening is None:
            return
        try:
            is_h2 = opening.feed(self, data, loop.buffers)
        except ssl.SSLError as exc:
            loop.host.handshake_failed(self, exc)
            self.close()
            return
        if is_h2 is None:
            return
        self._opening = None
        self.proxied = opening.proxied
        if not is_h2:
            self._leave_to_http1(opening.early)
            return
        self._start()
        if self.tls is not None:
            self.read_early(loop.buffers)
        else:
            self.session.feed(opening.early)

    def input_ended(self) -> None:
        """Called by `Wire` when the client has closed its sending side. Complete requests are still answered.

        Raises:
            ConnectionResetError: No request is left.
        """
        if self._state != _SERVING or not self._input_open or not self.session.end_input():
            raise ConnectionResetError("the client closed the connection")
        self._input_open = False
        self._ended = True
        self._wait_for(self._mask & ~READ)
        # A client that does not read either answers this by resetting the connection.
        self.session.connection.ping(_PROBE)

    def _start(self) -> None:
        self._state = _SERVING
        self._deadline = None
        self.session = self.loop.host.new_session(self)

    @property
    def idle(self) -> bool:
        """True if no request is open and no output is queued."""
        return self.session.idle and not self.out

    def start_upgraded(self, session: Any, pending: bytes) -> bool:
        """Begin HTTP/2 on a connection upgraded from HTTP/1.1.

        Args:
            session: The session, with the upgraded request.
            pending: Octets that the client sent after it.

        Returns:
            False when the thread has lost the lead.
        """
        self._state = _SERVING
        self._deadline = None
        self.session = session
        try:
            if pending:
                session.feed(pending)
            return self.go_on()
        except _FAILURES as exc:
            self._failed(exc)
            return True

    def _leave_to_http1(self, early: bytes) -> None:
        """Pass the socket to the host's HTTP/1.1; ``early`` was read from it."""
        loop = self.loop
        self._state = _CLOSED
        bios = None if self.tls is None else (self.rx, self.tx)
        loop.forget(
            self,
            lambda: loop.host.serve_http1(self.sock, self.address, self.listener, early, self.tls, bios, self.proxied),
        )
        self.release()

    # Writing

    def flush(self) -> None:
        """Send the output, as far as the socket accepts it."""
        if self.out or self._state != _SERVING:
            return
        try:
            self.send(self.loop)
            self._after_sending()
        except _FAILURES as exc:
            self._failed(exc)

    def reset_later(self, when: float) -> None:
        """Schedule a `flush`, for the reset of a stream. Called by the session.

        Args:
            when: `time.monotonic`'s.
        """
        self.loop.flush_later(self, when)

    def _after_sending(self) -> None:
        if not self.out and (self._ended or self.session.error is not None):
            self._finish()

    def blocked(self) -> None:
        """Called by `Wire` when the socket's buffer is full. Input is not read until it accepts that output."""
        self._blocked_since = self.loop.now
        self._blocked_left = self._blocked_seen = len(self.out)
        self._blocked_seen_at = self.loop.now
        self._wait_for(WRITE)

    def _write_rest(self) -> None:
        self.send_rest()
        if not self.out:
            self.out = b""
            self._blocked_since = None
            self._wait_for(READ if self._input_open or self._state != _SERVING else 0)

    def _wait_for(self, mask: int) -> None:
        if mask != self._mask:
            self._mask = mask
            self.loop.poller.modify(self.fd, mask)

    # The end

    def end_when_idle(self) -> None:
        """Close the connection once all its requests are answered."""
        self._ended = True
        self.end_if_idle()

    def end_after_answers(self, reason: BaseException) -> None:
        """Close the connection once all its requests are answered, after a GOAWAY with an error.

        Args:
            reason: The engine's error.
        """
        self._ended = True
        self.loop.host.connection_ended(self, reason)

    def end_if_idle(self) -> None:
        """Close the connection if it is ending and no request is left."""
        if self._ended and self._state == _SERVING and not self.out and self.session.idle:
            self.flush()
            if not self.out and self._state == _SERVING:
                self._finish(force=True)

    def _finish(self, force: bool = False) -> None:
        """Shut down the sending side, and begin the lingering close."""
        session = self.session
        if self._state != _SERVING:
            return
        if not force and session.error is None and not session.idle:
            return
        if session.error is not None:
            self.loop.host.connection_ended(self, session.error)
        session.close()
        self._state = _CLOSING
        self._lingering = Lingering(self.loop.now)
        self._deadline = self._lingering.deadline
        if self.tls is not None:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass  # the client's close_notify is not waited for
            try:
                self.send_tls()
            except OSError:
                pass
        try:
            self.sock.shutdown(1)
        except OSError:
            self.close()  # the client is gone
        else:
            self._wait_for(READ)

    def _linger(self) -> None:
        if self._lingering is None or not self._lingering.read(self.sock):
            self.close()

    def _failed(self, exc: BaseException) -> None:
        try:
            self.loop.host.connection_ended(self, exc)
        finally:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if self._state == _CLOSED:
            return
        self._state = _CLOSED
        if self.session is not None:
            self.session.close()
        self.loop.forget(self)
        self.end_tls()
        self.release()
        self.sock.close()

    # Time-outs

    def shorten_deadline(self, deadline: float) -> None:
        """Shorten the deadline of a client that is not served: of its handshake, or of its lingering close.

        Args:
            deadline: `time.monotonic`'s.
        """
        if self._state != _SERVING and (self._deadline is None or self._deadline > deadline):
            self._deadline = deadline

    def check_timeouts(self, now: float) -> None:
        """Act on expired time-outs. Called about once a second.

        Args:
            now: `time.monotonic`'s.
        """
        loop = self.loop
        if self._state != _SERVING:
            if self._deadline is not None and now >= self._deadline:
                if self._state == _HANDSHAKE:
                    self._failed(TimeoutError("the client has not begun in time"))
                else:
                    self.close()
            return
        if loop.timeout is not None and self.session.reset_slow_bodies(now, loop.timeout):
            self.flush()
            if self._state != _SERVING:
                return
        if self.out and self._blocked_since is not None and loop.timeout is not None:
            left = len(self.out)
            if left != self._blocked_seen:
                self._blocked_seen = left
                self._blocked_seen_at = now
                loop.written += 1
            taken = self._blocked_left - left
            if now >= send_deadline(loop.timeout, MIN_RATE, taken, self._blocked_since, self._blocked_seen_at):
                self._failed(TimeoutError("the client takes nothing"))
            return
        session = self.session
        if session.idle:
            if self._ended:
                self.end_if_idle()
            elif loop.draining:
                pass  # the loop sends GOAWAY
            elif loop.keepalive is not None:
                uses = session.begun + session.pings if loop.keepalive_pings else session.begun
                if uses != self._seen_uses or self._deadline is None:
                    self._seen_uses = uses
                    self._deadline = now + loop.keepalive
                elif now >= self._deadline:
                    loop.end(self)
            return
        self._deadline = None
        if loop.timeout is not None:
            session.reset_stuck(now, loop.timeout)
            self.flush()
