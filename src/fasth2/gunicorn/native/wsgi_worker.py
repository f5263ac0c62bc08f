"""fasth2's own worker for WSGI applications: HTTP/2 on fasth2's event loop, HTTP/1.1 by gunicorn."""
from __future__ import annotations

import errno
import ssl
import time
from typing import Any

import gunicorn
from gunicorn import http, util
from gunicorn.http import wsgi
from gunicorn.workers import gthread

from fasth2.gunicorn.dropin.contract import installed
from fasth2.gunicorn.dropin.install import status
from fasth2.gunicorn.dropin.upgrade import upgraded_fields
from fasth2.gunicorn.header_policy import Refused, is_trusted
from fasth2.gunicorn.limits import adaptive_windows, connection_limits, widen_window
from fasth2.gunicorn.patched.worker import InstallingWorker
from fasth2.gunicorn.refusing import log_invalid, too_large
from fasth2.gunicorn.settings import current
from fasth2.gunicorn.tls_context import share_context
from fasth2.gunicorn.trusted_proxies import accepted_versions, header_of, remote_address, request_info
from fasth2.server._options import options_of, seconds
from fasth2.server._protocol import ServerProtocol
from fasth2.server.counting import Record
from fasth2.server.errors import HTTP2StreamAborted
from fasth2.server.proxy_header import ProxyHeaderError
from fasth2.server.tls_stream import TLSStream
from fasth2.wsgi.connection import Client
from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.limits import FULL_WINDOW_WAIT, WorkerLimits
from fasth2.wsgi.loop import Loop
from fasth2.wsgi.session import Session

from .cleartext import offers_prior_knowledge
from .environments import Environments
from .hooks import Observer
from .settings import tell_what_has_no_effect
from .tls import ServerTLSInUse

__all__ = ["WSGIWorker"]

try:
    from gunicorn.http2 import negotiation
except ImportError:
    # gunicorn's versions before 26.2 have no HTTP/2 in the clear.
    negotiation = None

#: Errors of a disconnected peer or a network failure.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF, errno.ECONNABORTED, errno.EHOSTUNREACH,
         errno.ENETUNREACH, errno.ENETDOWN)  # fmt: skip


def _advertise(protocol: ServerProtocol) -> None:
    """Put this side's SETTINGS, and the operator's window, into the output."""
    protocol.advertise()
    widen_window(protocol.engine)


class WSGIWorker(InstallingWorker, gthread.ThreadWorker):
    """A gunicorn worker that serves WSGI applications over HTTP/2 with fasth2's own server.

    For ``-k fasth2.gunicorn.WSGIWorker``. ``threads`` is the largest number of
    concurrent requests. Fast ones run on one thread, one after the other; one
    that takes longer than a millisecond keeps its thread, and another thread
    continues the event loop. It offers HTTP/2 and HTTP/1.1 unless the operator
    set ``http_protocols``; HTTP/1.1 is served by gunicorn's own code, on the same
    port.

    Without TLS, peers in ``forwarded_allow_ips`` may use HTTP/2 with prior
    knowledge, unless the operator set ``http2_cleartext``.
    """

    alive: bool
    loop: Loop | None = None

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        self._own_nr = 0
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)
        if status().installed:
            tell_what_has_no_effect(cfg, log, "WSGIWorker")
        self._waits_for_loop = False
        self._environments: dict[Any, Environments] = {}
        # Addresses of the listeners, which are closed before the last connection.
        self._names: dict[int, Any] = {}
        self._progress = (0, 0.0)

    # gunicorn's worker

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        if status().installed:
            share_context()
        super().init_process()

    def run(self) -> None:
        """Serve until the worker stops."""
        if not status().installed:
            super().run()
            return
        self.loop = self._make_loop()
        self.loop.start()
        try:
            super().run()
        finally:
            self.loop.stop()

    def _make_loop(self) -> Loop:
        cfg = self.cfg
        listeners = []
        for listener in self.sockets:
            listener.setblocking(False)
            listeners.append(listener.sock)
            self._names[id(listener.sock)] = listener.getsockname()
        self._contract = installed()
        self._threads = cfg.threads
        self._clear = offers_prior_knowledge(cfg)
        chosen = current()
        # Text is latin-1 in both directions (PEP 3333), and no error of gunicorn's is raised.
        self._options = options_of(
            cfg, None, None,
            connection_limits(cfg.http2_max_concurrent_streams, cfg.http2_max_header_list_size, self._contract),
            unread_upload_octets=chosen.unread_upload_octets,
            unread_upload_seconds=chosen.unread_upload_seconds,
            full_window_wait=FULL_WINDOW_WAIT,
            header_encoding="iso8859-1",
            adaptive_windows=adaptive_windows(cfg, chosen),
        )  # fmt: skip
        self._observer = Observer.of(self)
        return Loop(
            self,
            self._make_dispatcher,
            listeners,
            server_tls=ServerTLSInUse(cfg, self.log) if cfg.is_ssl else None,
            threads=cfg.threads,
            timeout=seconds(cfg.timeout),
            keepalive=seconds(cfg.keepalive),
            keepalive_pings=chosen.keepalive_pings,
            max_connections=cfg.worker_connections,
            goaway_after=cfg.graceful_timeout / 2,
            # The last quarter, at most two seconds, is for applications to clean up.
            cut_after=cfg.graceful_timeout - min(cfg.graceful_timeout / 4, 2.0),
        )

    def _make_dispatcher(self, leadership: Any, wake: Any) -> Dispatcher:
        server = wsgi.SERVER if self._contract.names_server_and_date else gunicorn.SERVER
        chosen = current()
        limits = WorkerLimits(**{name: getattr(chosen, name) for name in WorkerLimits.__dataclass_fields__})
        dispatcher = Dispatcher(
            self.wsgi, leadership, wake, self._report, server=server, timeout=seconds(self.cfg.timeout), limits=limits
        )
        dispatcher.observer = self._observer
        dispatcher.file_wrapper = wsgi.FileWrapper
        dispatcher.on_limit = self._limit_reached
        dispatcher.limit = self.max_requests
        return dispatcher

    @property
    def nr(self) -> int:
        """Number of requests begun, in both protocols."""
        return self._own_nr + (0 if self.loop is None else self.loop.dispatcher.served)

    @nr.setter
    def nr(self, value: int) -> None:
        served = 0 if self.loop is None else self.loop.dispatcher.served
        self._own_nr = value - served
        if self.loop is not None:
            self.loop.dispatcher.limit = self.max_requests - self._own_nr

    def _wait_for_loop(self) -> None:
        """Count the loop as one of gunicorn's connections, so that gunicorn waits until it is drained."""
        loop = self.loop
        assert loop is not None
        if not self._waits_for_loop:
            self._waits_for_loop = True
            self.nr_conns += 1
        loop.do(loop.report_if_drained)

    def drained(self) -> None:
        """Called by the leader when the loop's last connection is closed."""
        self.method_queue.defer(self._end_of_loop)

    def _end_of_loop(self) -> None:
        if self._waits_for_loop:
            self._waits_for_loop = False
            self.nr_conns -= 1

    def _limit_reached(self) -> None:
        if self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
            self.method_queue.defer(_nothing)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called by gunicorn to switch accepting on or off; the loop accepts connections instead of gunicorn.

        Args:
            enabled: False when the worker stops, or has too many connections.
        """
        if self.loop is None:
            super().set_accept_enabled(enabled)
            return
        self._accepting = enabled
        if not enabled and not self.loop.draining and (not self.alive or not self.is_parent_alive()):
            self.loop.drain()
            self._wait_for_loop()

    def notify(self) -> None:
        """Send the master a heartbeat, unless all threads are stuck while requests wait."""
        loop = self.loop
        if loop is not None and self.timeout and loop.is_stuck():
            progress, since = self._progress
            now = time.monotonic()
            if progress != loop.progress or not since:
                self._progress = (loop.progress, now)
            elif now - since > self.timeout:
                return
        else:
            self._progress = (0, 0.0)
        super().notify()

    def handle_quit(self, sig: Any, frame: Any) -> None:
        """Called on SIGQUIT and SIGINT: stop at once.

        Args:
            sig: The signal.
            frame: The interrupted frame.
        """
        if self.loop is not None:
            self.loop.stop()
        super().handle_quit(sig, frame)

    # The loop's host

    def new_session(self, client: Client) -> Session:
        """Return the session of an HTTP/2 connection, with this side's SETTINGS queued.

        Args:
            client: The connection.
        """
        session = self._session(client)
        _advertise(session.protocol)
        return session

    def _session(self, client: Client) -> Session:
        protocol = ServerProtocol(self._options)
        protocol.record = Record(protocol.engine)
        environments = self._environments_of(client)
        assert self.loop is not None
        maker = environments.maker(client.address, client.socket_info, client.proxied)
        return Session(protocol, self.loop.dispatcher, maker, self._fallback, client)

    def _environments_of(self, client: Client) -> Environments:
        server = self._names[id(client.listener)]
        key = (is_trusted(self.cfg, client.address), server)
        environments = self._environments.get(key)
        if environments is None:
            environments = Environments(self.cfg, key[0], server, self._threads, self._observer is not None)
            self._environments[key] = environments
        return environments

    def _fallback(self, client: Client, pairs: Any, over: str = "") -> Any:
        """Make the environment of a request that the maker declines, or its error response. over: the limit that its
        header list exceeds.
        """
        try:
            if over:
                raise Refused(*too_large(over))
            return self._environments_of(client).environ(pairs, client.address, client.socket_info, client.proxied), None
        except Refused as exc:
            log_invalid(self.log, remote_address(client.proxied, client.address), exc.message)
            return None, (exc.code, exc.reason, "" if exc.code == 500 else exc.message)

    def takes_prior_knowledge(self, client: Client) -> bool:
        """Return True if a client may use cleartext HTTP/2 with prior knowledge.

        Args:
            client: The connection.
        """
        return self._clear and is_trusted(self.cfg, client.address)

    def proxy_versions(self, client: Client) -> frozenset[int]:
        """Return the versions of the PROXY protocol that are accepted from a client.

        Args:
            client: The connection.
        """
        return accepted_versions(self.cfg, client.address)

    def serve_http1(
        self, sock_: Any, address: Any, listener: Any, early: bytes, tls: Any, bios: Any, proxied: Any
    ) -> None:
        """Pass a connection to gunicorn's HTTP/1.1 code.

        Args:
            sock_: The socket.
            address: The client's address.
            listener: The listening socket.
            early: Octets already read from it.
            tls: Its `ssl.SSLObject`, or ``None``.
            bios: The memory BIOs of `tls`.
            proxied: The PROXY header before TLS, or ``None``.
        """
        self.method_queue.defer(self._begin_http1, sock_, address, listener, early, tls, bios, proxied)

    def _begin_http1(
        self, sock_: Any, address: Any, listener: Any, early: bytes, tls: Any, bios: Any, proxied: Any
    ) -> None:
        try:
            conn = gthread.TConn(self.cfg, sock_, address, self._names[id(listener)])
            if tls is not None:
                conn.sock = TLSStream(sock_, tls, bios)
            conn.initialized = True
            conn.data_ready = True
            if early and tls is None and self._wants_preface(address):
                util.write_error(sock_, 400, "Bad Request", "the HTTP/2 connection preface is wanted")
                util.close(sock_)
                return
            conn.sock.setblocking(True)
            conn.parser = http.get_parser(self.cfg, conn.sock, address)
            if early:
                conn.parser.unreader.unread(early)
            if proxied is not None:
                conn.proxied = proxied
                conn.client = remote_address(proxied, address)
        except OSError:
            sock_.close()
            return
        self.nr_conns += 1
        self.enqueue_req(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Called by gunicorn with a request in HTTP/1.1.

        Args:
            req: The request.
            conn: gunicorn's connection.
        """
        if (proxied := getattr(conn, "proxied", None)) is not None:
            # The header of the connection takes precedence over one in the request.
            req.proxy_protocol_info = request_info(proxied)
        return super().handle_request(req, conn)

    def _wants_preface(self, address: Any) -> bool:
        """Return True if a cleartext peer has to use HTTP/2, as in gunicorn."""
        cfg = self.cfg
        return (
            getattr(cfg, "http2_cleartext", None) == "prior-knowledge" and self._clear and is_trusted(cfg, address)
        )

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Take a connection back from a thread of gunicorn's.

        Args:
            conn: gunicorn's connection.
            fs: The future of the thread's result.
        """
        if not fs.cancelled() and fs.exception() is None:
            result = fs.result()
            if result is _TAKEN:
                if self.loop is not None and self.loop.draining:
                    self._wait_for_loop()
                self.nr_conns -= 1
                return
            if result and isinstance(conn.sock, TLSStream) and conn.sock.pending():
                # The poller does not report input that was already read.
                self.enqueue_req(conn)
                return
            if not result:
                # This waits for the client, so it is not done by the thread that sends the master heartbeats.
                closing = self.tpool.submit(conn.close, graceful=True)
                closing.add_done_callback(lambda _: self.method_queue.defer(self._closed))
                return
        super().finish_request(conn, fs)

    def _closed(self) -> None:
        self.nr_conns -= 1

    def handle_h2c_upgrade(self, conn: Any, req: Any, settings: Any) -> Any:
        """Serve a connection on the loop after ``Upgrade: h2c``.

        Args:
            conn: gunicorn's connection.
            req: The request.
            settings: The HTTP2-Settings field's value.
        """
        loop = self.loop
        if loop is None:
            return super().handle_h2c_upgrade(conn, req, settings)
        body = b"" if req.body is None else req.body.read() or b""
        pending = conn.parser.unreader.take_buffered()
        util.write(conn.sock, negotiation.UPGRADE_101)
        conn.sock.setblocking(False)
        loop.do(lambda: self._begin_upgraded(conn, req, settings, body, pending))
        return _TAKEN

    def _begin_upgraded(self, conn: Any, req: Any, settings: Any, body: bytes, pending: bytes) -> bool:
        loop = self.loop
        assert loop is not None
        listeners = [listener.sock for listener in self.sockets]
        listener = next((one for one in listeners if self._names[id(one)] == conn.server), listeners[0])
        client = Client(loop, conn.sock, conn.client, listener, None)
        client.proxied = header_of(req)
        loop.adopt(client)
        try:
            session = self._session(client)
            session.protocol.begin_upgraded(settings)
            _advertise(session.protocol)
        except Exception as exc:
            self.connection_ended(client, exc)
            client.close()
            return True
        session.begin_upgraded(upgraded_fields(req), body)
        return client.start_upgraded(session, pending)

    def other_connections(self) -> int:
        """Return the number of connections that gunicorn's own code serves."""
        return self.nr_conns

    # Logging

    def handshake_failed(self, client: Client, exc: BaseException) -> None:
        """Log a failed TLS handshake.

        Args:
            client: The connection.
            exc: The error.
        """
        self.log.debug("TLS handshake with %s failed: %s", client.address, exc)

    def connection_ended(self, client: Client, exc: BaseException) -> None:
        """Log a connection that ended by an error or by its peer.

        Args:
            client: The connection.
            exc: The error.
        """
        if isinstance(exc, ProxyHeaderError):
            self.log.warning("Invalid request from %s: %s", client.address, exc)
        elif isinstance(exc, (ssl.SSLError, TimeoutError)) or getattr(exc, "errno", None) in (None, *_GONE):
            self.log.debug("HTTP/2 connection with %s closed: %s", client.address, exc)
        else:
            self.log.error("HTTP/2 socket error", exc_info=exc)

    def failed(self, exc: BaseException) -> None:
        """Log an unexpected error of the loop.

        Args:
            exc: The error.
        """
        if isinstance(exc, OSError) and exc.errno in (errno.EMFILE, errno.ENFILE):
            self.log.error("No descriptors are left; connections wait: %s", exc)
        else:
            self.log.error("Error in the loop", exc_info=exc)

    def _report(self, call: Any, exc: BaseException) -> None:
        if isinstance(exc, ConnectionError) or (
            # A framework's error raised from one, such as Django's UnreadablePostError.
            isinstance(exc, OSError) and isinstance(exc.__cause__ or exc.__context__, HTTP2StreamAborted)
        ):
            self.log.debug("HTTP/2 stream closed: %s", exc)
        else:
            environ = call.environ
            self.log.error(
                "Error handling HTTP/2 request %s %s", environ.get("REQUEST_METHOD"), environ.get("RAW_URI"), exc_info=exc
            )


#: A thread's result for a connection that it has passed to the loop.
_TAKEN = object()


def _nothing() -> None:
    """Wake gunicorn's poller."""
