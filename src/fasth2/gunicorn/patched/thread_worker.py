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
from fasth2.server._closing import Lingering
from fasth2.server._protocol import seconds
from fasth2.server.proxy_header import ProxyHeaderError

from .batching import BatchingConnection
from .serving import Serving, end_tls, report
from .sockets import PolledSocket
from .worker import HTTP2Worker

__all__ = ["ThreadWorker"]

#: What a connection is left for, instead of gunicorn's answers.
_IDLE = object()
_AGAIN = object()

#: Seconds a thread waits for more from a connection: while another thread is
#: free, and when it is the last. Going through the poller costs more than a
#: client on the same machine takes for its next request.
LINGER = 0.025
LAST_LINGER = 0.005

#: Seconds a thread serves one connection while others wait for a thread.
TIME_SLICE = 0.05

#: Seconds between two rounds of the connections whose application runs.
INPUT_INTERVAL = 0.05

#: Seconds at least between two looks at all idle connections.
CHECK_INTERVAL = 0.1


def polled_connection(cfg: Any, sock: Any, client_addr: Any) -> BatchingConnection:
    """Return a connection whose socket never blocks.

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
    when no more come. Connections that are closed are read to their end by
    the poller too.

    gunicorn 27 checks an ``http_protocols`` that names h2 before it imports
    the worker class, and exits where the h2 package is missing. Without that
    package leave the setting out, or call `fasth2.gunicorn.install` in the
    configuration file.
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
        # Connections in the hands of threads, or waiting for one.
        self._busy = 0
        self._in_threads: set[Any] = set()
        # When those are next seen to.
        self._next_input = 0.0
        # Idle HTTP/2 connections, and when each is to end; none is to end before the latter.
        self._idle: dict[Any, float] = {}
        self._next_end = math.inf
        # New connections in the hands of threads, and when their TLS handshake has to be over.
        self._greeting: dict[Any, float] = {}
        self._patience = seconds(self.cfg.timeout)
        # Connections being closed.
        self._closing: dict[Any, Lingering] = {}

    # In threads

    def handle(self, conn: Any) -> Any:
        """Serve a connection that has something to read.

        Args:
            conn: gunicorn's connection.

        Returns:
            For `finish_request`: what to do with the connection.
        """
        if conn.parser is None:
            conn.begun = time.monotonic()
            conn.proxied = None
            # In place of the class's method, which gunicorn calls.
            if self.cfg.is_ssl:
                conn.init = partial(self._begin_tls, conn, type(conn).init)
            elif takes_preface(self.cfg, conn.client):
                conn.init = partial(self._begin_clear, conn, type(conn).init)
        return super().handle(conn)

    def _begin_tls(self, conn: Any, init: Any) -> None:
        """Take a PROXY header, and have gunicorn do the TLS handshake."""
        if conn.initialized:
            return
        peer = conn.client
        try:
            if versions := accepted_versions(self.cfg, peer):
                conn.proxied = receive_header(conn.sock, versions, self._patience)
            # What the peer is believed goes by its own address.
            init(conn)
        except ProxyHeaderError as exc:
            self.log.warning("Invalid request from %s: %s", peer, exc)
            raise StopIteration("not a PROXY header") from exc
        except (OSError, HTTP2ConnectionError) as exc:
            # The latter where the client left right behind the handshake.
            # gunicorn logs this one at debug, with its text, and closes.
            raise StopIteration(f"TLS handshake with {peer} failed: {exc}") from exc
        conn.client = remote_address(conn.proxied, peer)

    def _begin_clear(self, conn: Any, init: Any) -> None:
        """Take a PROXY header that HTTP/2's preface follows; any other is left to gunicorn's code for HTTP/1.1."""
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
            # Whatever the client said behind that header.
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
        """Serve a connection's requests until none are left.

        Args:
            conn: gunicorn's connection.

        Returns:
            For `finish_request`: what to do with the connection.
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
        # An upgraded one; those of gunicorn's versions that do not see to its errors need that too.
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
                # What was begun is served before the farewell.
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
        """Give a connection to the threads.

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
            fs: The future of what the thread did.
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
        """End the connections whose time is over, or all idle ones when the worker stops.

        Args:
            force: Whether gunicorn ends its own whatever their time.
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
        """Wait for events, no longer than until the next connection's time is over.

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
        """See to the connections whose application runs: a PING is answered, whatever the application waits for."""
        for conn in list(self._in_threads):
            serving = getattr(conn, "serving", None)
            if serving is not None:
                serving.process_input()
        self._next_input = time.monotonic() + INPUT_INTERVAL

    def _end_idle(self, now: float) -> None:
        """Say goodbye to the idle connections whose time is over, or to all when the worker stops."""
        self._next_end = math.inf
        for conn, deadline in list(self._idle.items()):
            if deadline <= now or not (self.alive or conn.serving.leaving):
                self._take_from_poller(conn)
                conn.serving.expired = self.alive
                # The farewell may have to wait for the peer, so a thread sends it.
                self.enqueue_req(conn)
            else:
                self._next_end = min(self._next_end, max(deadline, now + CHECK_INTERVAL))

    def _abort_handshake(self, conn: Any, now: float) -> None:
        """Free a thread from a TLS handshake that takes too long: the end of its socket wakes it."""
        del self._greeting[conn]
        if conn.parser is not None:
            return
        # Its time begins when a thread takes it.
        begun = getattr(conn, "begun", now)
        patience = self._patience or 0.0
        if begun + patience > now or not conn.initialized:
            self._greeting[conn] = begun + patience if begun + patience > now else now + CHECK_INTERVAL
            return
        self._greeting[conn] = now + CHECK_INTERVAL
        try:
            # Not TLS's own, which would take the object that the thread works with away.
            socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
        except OSError:
            pass  # the thread is just wrapping it, or has seen its end

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
        """Close a connection once the peer has read the last words, without waiting for it here."""
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
