"""gunicorn's threaded worker on fasth2."""
from __future__ import annotations

import math
import selectors
import socket
import threading
import time
from functools import partial
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError
from gunicorn.workers import gthread

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
from fasth2.server._closing import Lingering, end_tls
from fasth2.server._options import seconds
from fasth2.server.proxy_header import ProxyHeaderError

from .batching import BatchingConnection
from .serving import Serving, report
from .sockets import PolledSocket
from .worker import HTTP2Worker

__all__ = ["ThreadWorker"]

#: Results of `handle_http2` beside gunicorn's own: leave to the poller, serve again.
_IDLE = object()
_AGAIN = object()

#: Seconds a thread waits for more input of a connection: while another thread
#: is free, and when it is the last free one. A detour through the poller takes
#: longer than a local client takes to send its next request.
LINGER = 0.025
LAST_LINGER = 0.005

#: Seconds for which a thread serves one connection while others wait for a thread.
TIME_SLICE = 0.05

#: Seconds between two polls of the connections whose application is running.
INPUT_INTERVAL = 0.05

#: Least number of seconds between two checks of all idle connections.
CHECK_INTERVAL = 0.1


def polled_connection(cfg: Any, sock: Any, client_addr: Any) -> BatchingConnection:
    """Return a connection with a non-blocking socket.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """
    return BatchingConnection(cfg, sock, client_addr, PolledSocket)


class ThreadWorker(HTTP2Worker, gthread.ThreadWorker):
    """gunicorn's ``gthread`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.gthread``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``.

    A thread serves the requests of a connection, and leaves it to the poller
    when it is idle. Lingering close is done by the poller too.

    gunicorn 27 checks an ``http_protocols`` with h2 before it imports the
    worker class, and exits if the h2 package is missing. Without that package
    omit the setting, or call `fasth2.gunicorn.install` in the configuration
    file.
    """

    connection_class = staticmethod(polled_connection)
    stock = gthread.ThreadWorker
    overrides = (
        ("whole responses", ("handle_http2_request",)),
        ("idle connections", ("handle", "handle_http2", "enqueue_req", "finish_request", "murder_keepalived",
                              "wait_for_and_dispatch_events")),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._threads = self.cfg.threads
        # Connections served by threads, or waiting for one.
        self._busy = 0
        self._in_threads: set[Any] = set()
        # Time of the next poll of those.
        self._next_input = 0.0
        # Idle HTTP/2 connections and the time at which each ends; the earliest of these times.
        self._idle: dict[Any, float] = {}
        self._next_end = math.inf
        # New connections in threads, and the deadline of their TLS handshake.
        self._greeting: dict[Any, float] = {}
        self._patience = seconds(self.cfg.timeout)
        # Connections being closed.
        self._closing: dict[Any, Lingering] = {}

    # In threads

    def handle(self, conn: Any) -> Any:
        """Serve a connection with input.

        Args:
            conn: gunicorn's connection.

        Returns:
            The next step of the connection, for `finish_request`.
        """
        if conn.parser is None:
            conn.begun = time.monotonic()
            conn.proxied = None
            # Replaces the class's method, which gunicorn calls.
            if self.cfg.is_ssl:
                conn.init = partial(self._begin_tls, conn, type(conn).init)
            elif takes_preface(self.cfg, conn.client):
                conn.init = partial(self._begin_clear, conn, type(conn).init)
        return super().handle(conn)

    def _begin_tls(self, conn: Any, init: Any) -> None:
        """Read a PROXY header, then let gunicorn do the TLS handshake."""
        if conn.initialized:
            return
        peer = conn.client
        try:
            if versions := accepted_versions(self.cfg, peer):
                conn.proxied = receive_header(conn.sock, versions, self._patience)
            # Trust depends on the peer's own address, not on the header's.
            init(conn)
        except ProxyHeaderError as exc:
            self.log.warning("Invalid request from %s: %s", peer, exc)
            raise StopIteration("not a PROXY header") from exc
        except (OSError, HTTP2ConnectionError) as exc:
            # HTTP2ConnectionError: the client left right after the handshake.
            # gunicorn logs StopIteration at debug level, with its text, and closes.
            raise StopIteration(f"TLS handshake with {peer} failed: {exc}") from exc
        conn.client = remote_address(conn.proxied, peer)

    def _begin_clear(self, conn: Any, init: Any) -> None:
        """Read a PROXY header that is followed by HTTP/2's preface; others are left to gunicorn's HTTP/1.1 code."""
        if conn.initialized:
            return
        peer = conn.client
        try:
            conn.proxied = receive_header(conn.sock, accepted_versions(self.cfg, peer), PREFACE_WAIT, PREFACE)
        except TimeoutError:
            pass  # gunicorn waits for the rest
        init(conn)
        conn.client = remote_address(conn.proxied, peer)

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

    def handle_h2c_upgrade(self, conn: Any, req: Any, settings: Any) -> Any:
        """Called by gunicorn with a request that asks for ``Upgrade: h2c``.

        Args:
            conn: gunicorn's connection.
            req: The request.
            settings: The HTTP2-Settings field's value.
        """
        conn.proxied = header_of(req)
        return super().handle_h2c_upgrade(conn, req, settings)

    def handle_http2(self, conn: Any) -> Any:
        """Serve a connection's requests until it is idle.

        Args:
            conn: gunicorn's connection.

        Returns:
            The next step of the connection, for `finish_request`.
        """
        h2 = conn.parser
        try:
            serving = self._serving(conn, h2)
            with serving.lock:
                h2.io.resume()
                serving.input_enabled = True
                try:
                    return self._serve(conn, h2, serving)
                finally:
                    serving.input_enabled = False
        except Exception as exc:
            report(self.log, exc)
        return False

    def handle_http2_request(self, req: Any, conn: Any, h2_conn: Any) -> None:
        """Answer a request.

        Args:
            req: The request.
            conn: gunicorn's connection.
            h2_conn: Its HTTP/2 connection.
        """
        # Only for upgraded connections, in gunicorn versions that do not handle its errors.
        serving = self._serving(conn, h2_conn)
        with serving.lock:
            h2_conn.io.resume()
            serving.input_enabled = True
            try:
                serving.serve_stream(req)
            finally:
                serving.input_enabled = False

    def _serving(self, conn: Any, h2: Any) -> Serving:
        serving = getattr(conn, "serving", None)
        if serving is None:
            lock = threading.RLock()
            serving = conn.serving = Serving(self, h2, conn.sock, conn.client, conn.server, lock,
                                             proxied=getattr(conn, "proxied", None))
        return serving

    def _serve(self, conn: Any, h2: Any, serving: Serving) -> Any:
        turn = time.monotonic() + TIME_SLICE
        if serving.expired and serving.check_timeouts():
            serving.expired = False
        while not serving.expired:
            free = self._threads - self._busy
            if self.alive:
                requests = h2.receive_within(LINGER if free > 0 else LAST_LINGER if free == 0 else 0)
            elif h2.incomplete():
                # An incomplete request is served before GOAWAY.
                requests = h2.receive_data()
            else:
                requests = h2.receive_within(0)
                if not requests and not h2.is_closed:
                    now = time.monotonic()
                    end = serving.end_from(now)
                    if now >= end:
                        break
                    if requests is None:
                        serving.leaves_at = end
                        return _IDLE
            if requests is None:
                return _IDLE
            if requests or self.pings_keep or h2.incomplete():
                serving.idle_since = None
            if requests:
                serving.serve(requests)
            if h2.is_closed:
                return False
            if free < 0 and self.alive and time.monotonic() > turn:
                return _AGAIN
        serving.finish()
        return False

    # In the main thread

    def enqueue_req(self, conn: Any) -> None:
        """Queue a connection for the threads.

        Args:
            conn: gunicorn's connection.
        """
        self._busy += 1
        self._in_threads.add(conn)
        if conn.parser is None and self._patience is not None:
            self._greeting[conn] = time.monotonic() + self._patience
        super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Take a connection back from a thread.

        Args:
            conn: gunicorn's connection.
            fs: The future of the thread's result.
        """
        self._busy -= 1
        self._in_threads.discard(conn)
        self._greeting.pop(conn, None)
        if fs.cancelled() or fs.exception() is not None:
            super().finish_request(conn, fs)
            return
        result = fs.result()
        if result is _AGAIN:
            self.enqueue_req(conn)
        elif result is _IDLE:
            self._park(conn)
        elif result:
            super().finish_request(conn, fs)
        else:
            self._close(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """End the connections whose deadline has passed, or all idle ones when the worker stops.

        Args:
            force: True to end all of gunicorn's own idle connections.
        """
        if force:
            super().murder_keepalived(True)
        else:
            super().murder_keepalived()
        now = time.monotonic()
        if self._idle and (now >= self._next_end or not self.alive):
            self._end_idle(now)
        while self._greeting:
            conn, deadline = next(iter(self._greeting.items()))
            if deadline > now:
                break
            self._abort_handshake(conn, now)
        while self._closing:
            conn, lingering = next(iter(self._closing.items()))
            if lingering.deadline > now:
                break
            self._closed(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, at most until the next deadline of a connection.

        Args:
            timeout: Seconds.
        """
        deadline = math.inf
        if self._idle:
            deadline = self._next_end
        if self._closing:
            deadline = min(deadline, next(iter(self._closing.values())).deadline)
        if deadline < math.inf:
            timeout = min(timeout, max(deadline - time.monotonic(), 0.0))
        if self._in_threads:
            timeout = min(timeout, INPUT_INTERVAL)
        super().wait_for_and_dispatch_events(timeout)
        if self._in_threads and time.monotonic() >= self._next_input:
            self._process_inputs()

    def _process_inputs(self) -> None:
        """Process the input of connections whose application is running, so that PINGs are answered meanwhile."""
        for conn in list(self._in_threads):
            serving = getattr(conn, "serving", None)
            if serving is not None:
                serving.process_input()
        self._next_input = time.monotonic() + INPUT_INTERVAL

    def _end_idle(self, now: float) -> None:
        """End the idle connections whose deadline has passed, or all when the worker stops."""
        self._next_end = math.inf
        for conn, deadline in list(self._idle.items()):
            if deadline <= now or not (self.alive or conn.serving.leaving):
                self._take_from_poller(conn)
                conn.serving.expired = self.alive
                # Sending GOAWAY may have to wait for the peer, so a thread does it.
                self.enqueue_req(conn)
            else:
                self._next_end = min(self._next_end, max(deadline, now + CHECK_INTERVAL))

    def _abort_handshake(self, conn: Any, now: float) -> None:
        """Abort a TLS handshake that takes too long: shutting the socket down wakes its thread."""
        del self._greeting[conn]
        if conn.parser is not None:
            return
        # The time-out begins when a thread starts the handshake.
        begun = getattr(conn, "begun", now)
        patience = self._patience or 0.0
        if begun + patience > now or not conn.initialized:
            self._greeting[conn] = begun + patience if begun + patience > now else now + CHECK_INTERVAL
            return
        self._greeting[conn] = now + CHECK_INTERVAL
        try:
            # Not SSLSocket.shutdown(), which would remove the object that the thread uses.
            socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
        except OSError:
            pass  # the thread is wrapping the socket, or has seen its end

    def _park(self, conn: Any) -> None:
        """Leave an idle connection to the poller."""
        serving = conn.serving
        if conn.parser.has_input() or not (self.alive or serving.leaving):
            self.enqueue_req(conn)
            return
        end = serving.leaves_at if serving.leaving else serving.idle_until(time.monotonic())
        try:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._wake, conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        self._idle[conn] = end
        self._next_end = min(self._next_end, end)

    def _wake(self, conn: Any, _sock: Any) -> None:
        self._take_from_poller(conn)
        self.enqueue_req(conn)

    def _take_from_poller(self, conn: Any) -> None:
        del self._idle[conn]
        self.poller.unregister(conn.sock)

    def _close(self, conn: Any) -> None:
        """Begin the lingering close of a connection, which the poller completes."""
        sock = conn.sock
        try:
            sock.setblocking(False)
            end_tls(sock)
            sock.shutdown(socket.SHUT_WR)
            self.poller.register(sock, selectors.EVENT_READ, partial(self._linger, conn))
        except (OSError, ValueError, KeyError):
            self.nr_conns -= 1
            conn.close()
            return
        self._closing[conn] = Lingering(time.monotonic())
        self._linger(conn, sock)

    def _linger(self, conn: Any, sock: Any) -> None:
        if not self._closing[conn].read(sock):
            self._closed(conn)

    def _closed(self, conn: Any) -> None:
        del self._closing[conn]
        try:
            self.poller.unregister(conn.sock)
        except (OSError, KeyError, ValueError):
            pass
        self.nr_conns -= 1
        conn.close()
