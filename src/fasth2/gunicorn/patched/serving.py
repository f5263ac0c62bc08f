"""Serving of one HTTP/2 connection by blocking workers: its requests, one after another."""
from __future__ import annotations

import errno
import functools
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ProtocolError, HTTP2StreamError
from gunicorn.http2.stream import StreamState

from fasth2.gunicorn.refusing import Refusal, log_invalid, logged_environ, refusal_of
from fasth2.gunicorn.trusted_proxies import request_info
from fasth2.server.proxy_header import ProxyHeader

from .environ import EnvironTemplate

__all__ = ["Serving", "report"]

#: Seconds within which an application has to return to count as fast, and
#: for which a response may be held for the next ones.
TICK = 0.001

#: Number of consecutive fast calls before responses are held for the next one.
PROOFS = 8

#: Number of counted pairs of method and path; a full table is cleared.
_COUNTED = 1024

#: The longest of these pairs, in characters.
_LONGEST = 256

#: The status in the access log if the client was gone before the head was sent.
CLIENT_GONE = "499 Client Closed Request"

_CLOSED = StreamState.CLOSED
#: Errors of a disconnected peer.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


def report(log: Any, exc: Exception) -> None:
    """Log the error that ended a connection, as gunicorn does.

    Args:
        log: gunicorn's log.
        exc: The error.
    """
    if isinstance(exc, HTTP2ProtocolError):
        log.debug("HTTP/2 protocol error from peer: %s", exc)
    elif isinstance(exc, HTTP2ConnectionError):
        log.debug("HTTP/2 connection closed: %s", exc)
    elif isinstance(exc, ssl.SSLError):
        log.debug("HTTP/2 SSL error: %s", exc)
    elif not isinstance(exc, OSError):
        log.error("HTTP/2 connection error", exc_info=exc)
    elif exc.errno not in _GONE:
        log.error("HTTP/2 socket error", exc_info=exc)


class Serving:
    """Serves the requests of one connection.

    Complete responses may share a write with the next ones: see
    `BatchingConnection`. One is held only while the next request is pending,
    if its method and path were answered within `TICK` the last `PROOFS` times,
    and at most `TICK` before that request is begun.

    Args:
        worker: gunicorn's worker.
        h2: The connection, a `BatchingConnection`.
        sock: Its socket.
        client: The client's address.
        server: The address that the client connected to.
        lock: A reentrant lock, held by the caller of all methods except `process_input`.
        handled: Called with the application's result, returns True if the
            application has answered by itself; ``None`` if it never does.
        proxied: The connection's PROXY header, or ``None``.
    """

    def __init__(
        self,
        worker: Any,
        h2: Any,
        sock: Any,
        client: Any,
        server: Any,
        lock: Any,
        handled: Callable[[Any], bool] | None = None,
        proxied: ProxyHeader | None = None,
    ) -> None:
        self.worker = worker
        self._proxy_info = request_info(proxied)
        self.h2 = h2
        self.environs = EnvironTemplate(worker.cfg, h2, sock, client, server)
        #: The highest stream served.
        self.last_served = 0
        #: Time of the last relevant input; ``None`` while the connection is served.
        self.idle_since: float | None = None
        #: True once the idle time-out is over.
        self.expired = False
        #: True while the connection waits for its final GOAWAY, when the worker stops.
        self.leaving = False
        #: Time of the final GOAWAY.
        self.leaves_at = 0.0
        #: True if `process_input` may use the connection; changed only under the lock. Otherwise the worker's own code
        #: uses the socket, with its own time-outs.
        self.input_enabled = False
        self._handled = handled
        self._pre_request = worker.cfg.pre_request
        self._post_request = worker.cfg.post_request
        self._fast: dict[tuple[str, str], int] = worker.fast_requests
        # `last_served` at the last call of `process_input`.
        self._last_seen = 0
        # True if the last call was slow, so that the peer may have cancelled the next request.
        self._was_slow = False
        h2.hands_out_refused = h2.h2_conn.answers_large_requests = True
        h2.on_poll = self.announce_overdue_stop
        h2.on_malformed = functools.partial(log_invalid, worker.log, client)
        #: Held while the connection is used; released while the application runs, which acquires it to send.
        self.lock = h2.lock = lock

    def serve(self, requests: list[Any]) -> None:
        """Answer the requests of one read.

        Args:
            requests: The requests that the connection returned.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        h2 = self.h2
        last = len(requests) - 1
        for number, req in enumerate(requests):
            h2.more_waiting = number < last
            self.serve_stream(req)
        h2.flush()

    def serve_stream(self, req: Any) -> None:
        """Answer a request, or reset its stream, in every case.

        Args:
            req: The request.
        """
        h2 = self.h2
        stream_id = req.stream.stream_id
        self.last_served = max(self.last_served, stream_id)
        try:
            if not self.worker.alive:
                # GOAWAY is sent before the application begins.
                self.announce_overdue_stop()
                h2.send_queued()
            if self._was_slow:
                # The peer may have cancelled this request meanwhile.
                self._was_slow = False
                h2.poll_input()
            if req.stream.state is not _CLOSED:
                self.serve_request(req)
        except (HTTP2StreamError, HTTP2ConnectionError) as exc:
            # The stream or the connection is gone, or the peer is too slow.
            self.worker.log.debug("HTTP/2 stream closed: %s", exc)
        finally:
            h2.cleanup_stream(stream_id)

    def serve_request(self, req: Any) -> None:
        """Run the application for a request and send its response, or an error response.

        Args:
            req: The request, or a `RefusedRequest`.

        Raises:
            HTTP2StreamError: The stream is gone.
            HTTP2ConnectionError: The connection is gone.
        """
        worker = self.worker
        h2 = self.h2
        if self._proxy_info:
            req.proxy_protocol_info = self._proxy_info
        kind = (req.method, req.path)
        proofs = self._fast.get(kind, 0)
        start = time.monotonic()
        if not proofs and (refusal := refusal_of(req)) is not None:
            self.refuse(req, refusal)
            return
        if h2.held_since and (proofs < PROOFS or start - h2.held_since > TICK):
            h2.flush()
        environ: dict[str, Any] = {}
        resp = None
        try:
            self._pre_request(worker, req)
            resp, environ = self.environs.create(req)
            worker.nr += 1
            if worker.nr >= worker.max_requests and worker.alive:
                worker.log.info("Autorestarting worker after current request.")
                worker.alive = False
                worker.stop_accepting()
            lock = self.lock
            lock.release()
            try:
                answer = worker.wsgi(environ, resp.start_response)
            finally:
                lock.acquire()
            if self._handled is not None and self._handled(answer):
                return
            if not resp.send_whole(answer):
                try:
                    resp.send_parts(answer)
                finally:
                    if hasattr(answer, "close"):
                        lock.release()
                        try:
                            answer.close()
                        finally:
                            lock.acquire()
        except (HTTP2StreamError, HTTP2ConnectionError):
            if resp is not None and not resp.headers_sent:
                resp.replace_head(CLIENT_GONE)
            raise
        except Exception as exc:
            resp = self._failed(req, resp, environ, exc)
        finally:
            took = time.monotonic() - start
            if took > TICK:
                self._was_slow = True
                self._fast.pop(kind, None)
            elif proofs < PROOFS and len(kind[0]) + len(kind[1]) <= _LONGEST:
                if not proofs and len(self._fast) >= _COUNTED:
                    self._fast.clear()
                self._fast[kind] = proofs + 1
            if resp is not None:
                # Also for an aborted response.
                worker.log.access(resp, req, environ, timedelta(seconds=took))
            try:
                self._post_request(worker, req, environ, resp)
            except Exception:
                worker.log.exception("Exception in post_request hook")

    def _failed(self, req: Any, resp: Any, environ: dict[str, Any], exc: Exception) -> Any:
        """Send an error response; return the response for the log."""
        h2 = self.h2
        log = self.worker.log
        stream_id = req.stream.stream_id
        if isinstance(exc, OSError) and req.stream.state is _CLOSED:
            # The application got the error from a read or a write.
            log.debug("HTTP/2 stream closed: %s", exc)
            if resp is not None and not resp.headers_sent:
                resp.replace_head(CLIENT_GONE)
            return resp
        log.error("Error handling HTTP/2 request", exc_info=exc)
        if resp is None:
            resp = self.environs.response(req)
        if not environ:
            environ.update(logged_environ(req, self.environs.client))
        message = str(exc)
        try:
            if not resp.headers_sent:
                resp.replace_head("500 Internal Server Error", len(message.encode("utf-8", "replace")))
            h2.send_error(stream_id, 500, message)
        except Exception as failure:
            log.debug("HTTP/2 error response failed: %s", failure)
        return resp

    def refuse(self, req: Any, refusal: Refusal) -> None:
        """Refuse a request with an error response.

        Args:
            req: The request.
            refusal: The error response.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        start = time.monotonic()
        worker = self.worker
        client = self.environs.client
        log_invalid(worker.log, client, refusal.message)
        resp = self.environs.response(req)
        body = refusal.reason if refusal.code == 500 else refusal.message
        resp.replace_head(f"{refusal.code} {refusal.reason}", len(body.encode()))
        self.h2.flush()
        self.h2.send_error(req.stream.stream_id, refusal.code, body)
        worker.log.access(resp, req, logged_environ(req, client), timedelta(seconds=time.monotonic() - start))

    def idle_until(self, now: float) -> float:
        """Return the deadline of the connection, which is idle now; `math.inf`: none.

        The connection may also wait for the rest of an upload that was answered
        unread, so each read can change the deadline.

        Args:
            now: `time.monotonic`'s.
        """
        if self.idle_since is None:
            self.idle_since = now
        return self.h2.next_deadline_from(self.idle_since)

    def check_timeouts(self) -> bool:
        """Reset overdue requests; return True if the connection continues, since its time-out is not over.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if self.h2.give_up():
            # The idle time begins now.
            self.idle_since = None
            return True
        now = time.monotonic()
        return self.idle_until(now) > now

    def end_from(self, now: float) -> float:
        """Return the time at which an idle connection of a stopping worker may end; sends the first GOAWAY before it.

        Args:
            now: `time.monotonic`'s.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        self.leaving = True
        wait = self._advance_shutdown(now, idle=True)
        self.h2.send_queued()
        # Where the last stream is to be named, `finish` does it: what the peer has sent was read just now.
        return now + (wait or 0.0)

    def _advance_shutdown(self, now: float, idle: bool) -> float | None:
        """Take the step of the graceful shutdown that is due."""
        protocol = self.h2.protocol
        protocol.begin_shutdown(self.worker.overdue_at())
        wait: float | None = protocol.advance_shutdown(now, idle)
        return wait

    def announce_overdue_stop(self) -> None:
        """Queue GOAWAY although requests are open, when a stopping worker's time is half over."""
        if not self.worker.alive:
            self._advance_shutdown(time.monotonic(), idle=False)

    def process_input(self) -> None:
        """Process the connection's input while its application runs: PINGs, SETTINGS, resets, graceful shutdown.

        For another thread or greenlet than the one that serves the connection;
        does nothing while that one uses it, or before and after that, or if a
        request was begun since the last call: the input was read just before
        that, and reading a part of it here would split the writes of its
        responses. Never waits, never raises.
        """
        if self.last_served != self._last_seen:
            self._last_seen = self.last_served
            return
        if not self.input_enabled or not self.lock.acquire(blocking=False):
            return
        try:
            if not self.input_enabled:
                return
            self.announce_overdue_stop()
            if self.h2.process_input() and self.worker.pings_keep:
                self.idle_since = None
        except Exception as exc:
            # The thread that serves the connection will get the error again.
            self.worker.log.debug("HTTP/2 connection in an application: %s", exc)
        finally:
            self.lock.release()

    def finish(self) -> None:
        """Serve the pending requests, and end the connection with GOAWAY.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        h2 = self.h2
        while not h2.is_closed and (requests := h2.take_waiting()):
            self.serve(requests)
        h2.close(last_stream_id=self.last_served)
