"""gunicorn's gevent worker on fasth2."""
from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import gevent  # type: ignore[import-untyped]
from gevent.lock import RLock  # type: ignore[import-untyped]
from gevent.server import StreamServer  # type: ignore[import-untyped]
from gunicorn import http, sock
from gunicorn.workers import ggevent

from fasth2.gunicorn.dropin.install import status
from fasth2.gunicorn.trusted_proxies import (
    PREFACE,
    PREFACE_WAIT,
    accepted_versions,
    header_of,
    receive_header,
    remote_address,
    request_info,
    takes_preface,
)
from fasth2.server._closing import linger
from fasth2.server._options import seconds
from fasth2.server._protocol import ServerProtocol
from fasth2.server.proxy_header import ProxyHeader, ProxyHeaderError

from .batching import BatchingConnection
from .serving import Serving, report
from .sockets import BatchingSocket
from .worker import HTTP2Worker

__all__ = ["GeventWorker"]

#: Seconds for which a busy connection is served before its greenlet yields.
TIME_SLICE = 0.02


#: Seconds between two polls of the connections whose application is running.
INPUT_INTERVAL = 0.05


class _Stopping(Exception):
    """Thrown into an idle connection's greenlet when the worker stops."""


def _set_proxied(header: ProxyHeader | None) -> None:
    """Store a connection's PROXY header in its greenlet."""
    gevent.getcurrent().fasth2_proxied = header


def _proxied() -> ProxyHeader | None:
    return getattr(gevent.getcurrent(), "fasth2_proxied", None)


class _Server(StreamServer):
    """gevent's server, with a time-out for TLS handshakes. A connection whose handshake is in progress when the server
    is closed is still served.
    """

    #: Seconds that a client may be silent; ``None``: no limit.
    patience: float | None = None

    #: gunicorn's log and configuration.
    log: Any = None
    cfg: Any = None

    #: The servers of this process.
    running: ClassVar[list[_Server]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Closing the server deletes ``handle``.
        self._served_by = self.handle
        self.running.append(self)

    def give_up_listening(self) -> None:
        """Stop accepting; accepted connections continue."""
        self._stop_event.set()
        self.stop_accepting()

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> Any:
        """Called by gevent in a connection's greenlet."""
        # The worker sets its own time-out when the handshake is done.
        client_socket.settimeout(self.patience)
        try:
            if self.cfg is not None and (versions := accepted_versions(self.cfg, address)):
                _set_proxied(receive_header(client_socket, versions, self.patience))
                client_socket.settimeout(self.patience)
            wrapped = self.wrap_socket(client_socket, **self.ssl_args)
        except ProxyHeaderError as exc:
            self.log.warning("Invalid request from %s: %s", address, exc)
            client_socket.close()
            return None
        except OSError as exc:
            if self.log is not None:
                self.log.debug("TLS handshake with %s failed: %s", address, exc)
            client_socket.close()
            return None
        with contextlib.closing(wrapped):
            return self._served_by(wrapped, address)


class _IdleSocket(BatchingSocket):
    """A socket whose greenlet counts as idle only while it waits to read, so that stopping it never cuts a frame."""

    __slots__ = ("idle",)

    def __init__(self, sock: Any, protocol: ServerProtocol) -> None:
        super().__init__(sock, protocol)
        #: The idle greenlets, while the next read may be stopped by an exception thrown into one of them.
        self.idle: set[Any] | None = None

    def recv(self, timeout: float | None) -> Any:
        """Read once, with the greenlet in ``idle`` meanwhile; see `BatchingSocket.recv`."""
        idle = self.idle
        if idle is None:
            return super().recv(timeout)
        # One read only: the greenlet is not idle while it answers the requests.
        self.idle = None
        greenlet = gevent.getcurrent()
        idle.add(greenlet)
        try:
            return super().recv(timeout)
        finally:
            idle.discard(greenlet)


def idle_connection(cfg: Any, sock: Any, client_addr: Any) -> BatchingConnection:
    """Return a connection that can be stopped while it waits to read.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """
    return BatchingConnection(cfg, sock, client_addr, _IdleSocket)


class GeventWorker(HTTP2Worker, ggevent.GeventWorker):
    """gunicorn's ``gevent`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.gevent``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``. For gunicorn 27
    without the h2 package, see the note in `ThreadWorker`.
    """

    connection_class = staticmethod(idle_connection)
    stock = ggevent.GeventWorker
    overrides = (
        ("whole responses", ("handle_http2_request",)),
        ("connections", ("handle_http2", "handle_exit", "notify")),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Greenlets of connections that wait for a request.
        self._idle: set[Any] = set()
        # Connections that are being served.
        self._served_connections: set[Serving] = set()
        # The greenlet that polls them; it ends when there are none.
        self._input_greenlet: Any = None

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Called by gevent's server with a connection, in a greenlet of its own.

        Args:
            listener: The listening socket.
            client: The client's socket.
            addr: The peer's address.
        """
        if self.serves and not self.cfg.is_ssl and takes_preface(self.cfg, addr):
            try:
                _set_proxied(receive_header(client, accepted_versions(self.cfg, addr), PREFACE_WAIT, PREFACE))
            except OSError:
                pass  # reported by gunicorn's next read
        super().handle(listener, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Called by gunicorn with a request in HTTP/1.1.

        Args:
            listener_name: The address that the client connected to.
            req: The request.
            sock: The client's socket.
            addr: The peer's address.
        """
        header = _proxied()
        if header is not None:
            # The header of the connection takes precedence over one in the request.
            req.proxy_protocol_info = request_info(header)
        return super().handle_request(listener_name, req, sock, remote_address(header, addr))

    def handle_http2(self, listener: Any, client: Any, addr: Any, preface: bytes = b"", upgrade: Any = None) -> None:
        """Serve an HTTP/2 connection to its end.

        Args:
            listener: The listening socket.
            client: The client's socket.
            addr: The client's address.
            preface: Octets that were already read from the connection.
            upgrade: Settings, HTTP/1.1 request and body, after ``Upgrade: h2c``.
        """
        try:
            h2 = http.get_parser(self.cfg, client, addr, http2_connection=True)
            try:
                server = listener.getsockname()
            except OSError:
                server = client.getsockname()  # the worker stops, and has closed the listener
            header = _proxied() if upgrade is None else header_of(upgrade[1])
            remote = remote_address(header, addr)
            serving = Serving(self, h2, client, remote, server, RLock(), self.is_already_handled, header)
            requests = []
            if upgrade is None:
                h2.initiate_connection()
            else:
                requests.append(h2.initiate_upgrade(*upgrade))
            if preface:
                h2.receive_data(preface)
            with self._input_processed(serving), serving.lock:
                serving.serve(requests)
                self._serve(h2, serving)
        except Exception as exc:
            report(self.log, exc)
        # Uses gevent's socket, so it yields.
        linger(client)

    def handle_http2_request(self, listener_name: Any, req: Any, sock: Any, addr: Any, h2_conn: Any) -> None:
        """Answer a request.

        Args:
            listener_name: The address that the client connected to.
            req: The request.
            sock: The client's socket.
            addr: The client's address.
            h2_conn: The HTTP/2 connection.
        """
        serving = Serving(self, h2_conn, sock, addr, listener_name, RLock(), self.is_already_handled)
        with serving.lock:
            serving.serve_stream(req)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Called on SIGTERM; gunicorn's own method would accept for up to a second more.

        Args:
            sig: The signal.
            frame: The interrupted frame.
        """
        super().handle_exit(sig, frame)
        gevent.get_hub().loop.run_callback_threadsafe(self.stop_accepting)

    def stop_accepting(self) -> None:
        """Stop accepting connections, and wake idle ones, when the worker stops."""
        for server in _Server.running:
            server.give_up_listening()
        run_soon = gevent.get_hub().loop.run_callback
        for greenlet in list(self._idle):
            run_soon(self._stop_idle, greenlet)

    def notify(self) -> None:
        """Called by gunicorn every second; a stopping worker stops accepting here."""
        super().notify()
        if not self.alive:
            self.stop_accepting()

    def _stop_idle(self, greenlet: Any) -> None:
        # Called by the hub; the greenlet may have read a request since.
        if greenlet in self._idle:
            greenlet.throw(_Stopping)

    def init_process(self) -> None:
        """Called by gunicorn in the new process."""
        _Server.patience = seconds(self.cfg.timeout)
        _Server.log, _Server.cfg = self.log, self.cfg
        if status().installed and hasattr(ggevent, "StreamServer"):
            ggevent.StreamServer = _Server
        super().init_process()

    def run(self) -> None:
        """Serve until the worker is to stop."""
        if status().installed:
            # gunicorn's module holds the function as of its import.
            ggevent.ssl_context = sock.ssl_context
        super().run()

    def _serve(self, h2: Any, serving: Serving) -> None:
        turn = time.monotonic() + TIME_SLICE
        while not h2.is_closed:
            if h2.incomplete():
                requests = h2.receive_data()  # an incomplete request is served before GOAWAY
            elif self.alive:
                try:
                    requests = self._receive(h2, serving)
                except _Stopping:
                    continue
                if requests is None:
                    if serving.check_timeouts():
                        continue
                    break
            else:
                now = time.monotonic()
                end = serving.end_from(now)
                requests = h2.receive_within(max(end - now, 0.0))
                if not requests and time.monotonic() >= end:
                    break
            if requests or self.pings_keep or h2.incomplete():
                serving.idle_since = None
            serving.serve(requests or [])
            if time.monotonic() > turn:
                # A socket that always has input never yields by itself.
                gevent.sleep(0)
                turn = time.monotonic() + TIME_SLICE
        serving.finish()

    def _receive(self, h2: Any, serving: Serving) -> list[Any] | None:
        """Wait for requests; ``None`` after the idle time-out."""
        now = time.monotonic()
        end = serving.idle_until(now)
        h2.io.idle = self._idle
        try:
            requests: list[Any] | None = h2.receive_within(None if end == math.inf else max(end - now, 0.0))
        finally:
            h2.io.idle = None
        return requests

    @contextlib.contextmanager
    def _input_processed(self, serving: Serving) -> Iterator[None]:
        """Process a connection's input while its application runs, whenever that yields to other greenlets."""
        serving.input_enabled = True
        self._served_connections.add(serving)
        if self._input_greenlet is None or self._input_greenlet.dead:
            self._input_greenlet = gevent.spawn(self._process_inputs)
        try:
            yield
        finally:
            serving.input_enabled = False
            self._served_connections.discard(serving)

    def _process_inputs(self) -> None:
        while self._served_connections:
            gevent.sleep(INPUT_INTERVAL)
            for serving in list(self._served_connections):
                serving.process_input()
