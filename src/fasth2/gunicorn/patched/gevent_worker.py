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
from fasth2.server._protocol import ServerProtocol, seconds
from fasth2.server.proxy_header import ProxyHeader, ProxyHeaderError

from .batching import BatchingConnection
from .serving import Serving, report
from .sockets import BatchingSocket
from .worker import HTTP2Worker

__all__ = ["GeventWorker"]

#: Seconds a connection whose requests never cease is served before others get a turn.
TIME_SLICE = 0.02


#: Seconds between two rounds of the connections whose application runs.
INPUT_INTERVAL = 0.05


class _Stopping(Exception):
    """Thrown into an idle connection's greenlet when the worker stops."""


def _set_proxied(header: ProxyHeader | None) -> None:
    """Remember a connection's PROXY header where its greenlet is."""
    gevent.getcurrent().fasth2_proxied = header


def _proxied() -> ProxyHeader | None:
    return getattr(gevent.getcurrent(), "fasth2_proxied", None)


class _Server(StreamServer):
    """gevent's server; a client that is silent in its TLS handshake does not keep its place for ever, and one whose
    handshake is under way when the server is closed is served all the same.
    """

    #: Seconds that a client may be silent; ``None``: for ever.
    patience: float | None = None

    #: gunicorn's log and configuration.
    log: Any = None
    cfg: Any = None

    #: Those of this process.
    running: ClassVar[list[_Server]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Closing takes ``handle`` away.
        self._served_by = self.handle
        self.running.append(self)

    def give_up_listening(self) -> None:
        """Accept nothing more; what was accepted goes on."""
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
    """A socket whose greenlet counts as idle only where it waits to read: whoever stops it there tears no frame."""

    __slots__ = ("idle",)

    def __init__(self, sock: Any, protocol: ServerProtocol) -> None:
        super().__init__(sock, protocol)
        #: The idle greenlets, while the next read may be stopped by an exception thrown into one of them.
        self.idle: set[Any] | None = None

    def recv(self, timeout: float | None) -> Any:
        """Read once, and be in ``idle`` meanwhile; as `BatchingSocket.recv`."""
        idle = self.idle
        if idle is None:
            return super().recv(timeout)
        # What has been read is answered by the greenlet that is not idle.
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
    HTTP/1.1 unless the operator set ``http_protocols``; with gunicorn 27 and
    without the h2 package, what `ThreadWorker` says of that setting holds
    here too.
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
        # Connections that are served.
        self._served_connections: set[Serving] = set()
        # The greenlet that sees to them; it ends when there are none.
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
                pass  # gunicorn meets it again
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
            # Whatever the client said behind that header.
            req.proxy_protocol_info = request_info(header)
        return super().handle_request(listener_name, req, sock, remote_address(header, addr))

    def handle_http2(self, listener: Any, client: Any, addr: Any, preface: bytes = b"", upgrade: Any = None) -> None:
        """Serve an HTTP/2 connection to its end.

        Args:
            listener: The listening socket.
            client: The client's socket.
            addr: The client's address.
            preface: What was read of the connection already.
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
        # Waits by gevent's means.
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
        """Called on TERM; gunicorn's own would accept for up to a second more.

        Args:
            sig: The signal.
            frame: What it interrupted.
        """
        super().handle_exit(sig, frame)
        gevent.get_hub().loop.run_callback_threadsafe(self.stop_accepting)

    def stop_accepting(self) -> None:
        """Accept no more connections, and wake those that are idle, now that the worker is to end."""
        for server in _Server.running:
            server.give_up_listening()
        run_soon = gevent.get_hub().loop.run_callback
        for greenlet in list(self._idle):
            run_soon(self._stop_idle, greenlet)

    def notify(self) -> None:
        """Called by gunicorn every second; sees to it that a worker that stops accepts no more."""
        super().notify()
        if not self.alive:
            self.stop_accepting()

    def _stop_idle(self, greenlet: Any) -> None:
        # By the hub, which may have given it a request since.
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
            # gunicorn's module has the function that there was when it was imported.
            ggevent.ssl_context = sock.ssl_context
        super().run()

    def _serve(self, h2: Any, serving: Serving) -> None:
        turn = time.monotonic() + TIME_SLICE
        while not h2.is_closed:
            if h2.incomplete():
                requests = h2.receive_data()  # a request under way is served before the farewell
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
                # A socket that always has something to read never yields.
                gevent.sleep(0)
                turn = time.monotonic() + TIME_SLICE
        serving.finish()

    def _receive(self, h2: Any, serving: Serving) -> list[Any] | None:
        """Wait for requests; ``None`` when the time for that is over."""
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
        """Have a connection seen to while its application runs, as far as that yields to other greenlets."""
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
