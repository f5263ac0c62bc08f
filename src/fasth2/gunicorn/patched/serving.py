"""What blocking workers do for one HTTP/2 connection: its requests, one after another."""
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

__all__ = ["Serving", "end_tls", "report"]

#: Seconds within which an application has to return to count as fast, and
#: that an answer may wait for the next ones.
TICK = 0.001

#: How often in a row an application has to be fast before answers wait for it.
PROOFS = 8

#: Pairs of method and path that are counted; then that starts anew.
_COUNTED = 1024

#: The longest of these pairs, in characters.
_LONGEST = 256

#: The status in the access log where no head went out because the client was gone.
CLIENT_GONE = "499 Client Closed Request"

_CLOSED = StreamState.CLOSED
#: What a peer that goes away looks like.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


def report(log: Any, exc: Exception) -> None:
    """Log why a connection ended, as gunicorn does.

    Args:
        log: gunicorn's log.
        exc: What ended it.
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


def end_tls(sock: Any) -> None:
    """Say by TLS that nothing follows, without waiting for the peer to say so too.

    Args:
        sock: A socket that does not block, with or without TLS.
    """
    unwrap = getattr(sock, "unwrap", None)
    if unwrap is not None:
        try:
            unwrap()
        except (OSError, ValueError):
            pass  # it waits for the peer's own, or the peer is gone


class Serving:
    """One connection's requests and the worker that serves them.

    Answers that are whole may share a write with the next ones: see
    `BatchingConnection`. One is held only while the next request is here
    already, whose method and path were answered within `TICK` the last
    `PROOFS` times, and no longer than `TICK` before that one is begun.

    Args:
        worker: gunicorn's worker.
        h2: The connection, a `BatchingConnection`.
        sock: Its socket.
        client: The client's address.
        server: The address that it connected to.
        lock: A reentrant lock. The caller holds it around all calls but `process_input`.
        handled: Whether what the application returned means that it has
            answered by itself; ``None`` where it never has.
        proxied: The PROXY header that the connection began with, or ``None``.
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
        #: From when on nothing has come that counts; ``None`` while the connection is served.
        self.idle_since: float | None = None
        #: Whether that time is over.
        self.expired = False
        #: Whether the worker stops, and the connection waits for its end.
        self.leaving = False
        #: When that is.
        self.leaves_at = 0.0
        #: Whether `process_input` may use the connection; changed only under the lock. Before and after, the worker's own code
        #: changes how long a read of the socket waits.
        self.input_enabled = False
        self._handled = handled
        self._pre_request = worker.cfg.pre_request
        self._post_request = worker.cfg.post_request
        self._fast: dict[tuple[str, str], int] = worker.fast_requests
        # Whether the last application took so long that the peer may have changed its mind about the next one.
        self._was_slow = False
        h2.hands_out_refused = h2.h2_conn.answers_large_requests = True
        h2.on_poll = self.announce_overdue_stop
        h2.on_malformed = functools.partial(log_invalid, worker.log, client)
        #: Held by whoever uses the connection; released while the application runs, which takes it to use it.
        self.lock = h2.lock = lock

    def serve(self, requests: list[Any]) -> None:
        """Answer the requests of one read.

        Args:
            requests: What the connection returned.

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
        """Answer a request, or reset its stream, whatever happens.

        Args:
            req: The request.
        """
        h2 = self.h2
        stream_id = req.stream.stream_id
        self.last_served = max(self.last_served, stream_id)
        try:
            if not self.worker.alive:
                # The peer is to hear it before the application begins.
                self.announce_overdue_stop()
                h2.send_queued()
            if self._was_slow:
                # The peer may have cancelled this one meanwhile.
                self._was_slow = False
                h2.poll_input()
            if req.stream.state is not _CLOSED:
                self.serve_request(req)
        except (HTTP2StreamError, HTTP2ConnectionError) as exc:
            # The peer is gone, in whole or in part, or too slow.
            self.worker.log.debug("HTTP/2 stream closed: %s", exc)
        finally:
            h2.cleanup_stream(stream_id)

    def serve_request(self, req: Any) -> None:
        """Run the application for a request and send what it returns, or the error that it raises.

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
                # Also where the response was cut off.
                worker.log.access(resp, req, environ, timedelta(seconds=took))
            try:
                self._post_request(worker, req, environ, resp)
            except Exception:
                worker.log.exception("Exception in post_request hook")

    def _failed(self, req: Any, resp: Any, environ: dict[str, Any], exc: Exception) -> Any:
        """Answer instead of the application; return the response for the log."""
        h2 = self.h2
        log = self.worker.log
        stream_id = req.stream.stream_id
        if isinstance(exc, OSError) and req.stream.state is _CLOSED:
            # The application found out by reading, or by writing.
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
        """Answer a request that the application does not get to see.

        Args:
            req: The request.
            refusal: The answer.

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
        """Return when the connection, now idle, is to be looked after if nothing comes; `math.inf`: never.

        An upload that was answered unread may be what it waits for: each read
        can change that.

        Args:
            now: `time.monotonic`'s.
        """
        if self.idle_since is None:
            self.idle_since = now
        return self.h2.next_deadline_from(self.idle_since)

    def check_timeouts(self) -> bool:
        """Reset what took too long to arrive; return whether the connection goes on, its time not being over.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        if self.h2.give_up():
            # It is idle from now on.
            self.idle_since = None
            return True
        now = time.monotonic()
        return self.idle_until(now) > now

    def end_from(self, now: float) -> float:
        """Return from when on an idle connection of a stopping worker may end; tells its peer when that is near.

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
        """Where the worker stops and time runs out, queue GOAWAY for a connection that always has a request open."""
        if not self.worker.alive:
            self._advance_shutdown(time.monotonic(), idle=False)

    def process_input(self) -> None:
        """See to the connection while its application runs: answer PINGs and SETTINGS, note resets, say goodbye.

        For another thread or greenlet than the one that serves it; does
        nothing where that one uses the connection, or has not begun to, or
        has ended. Never waits, never raises.
        """
        if not self.input_enabled or not self.lock.acquire(blocking=False):
            return
        try:
            if not self.input_enabled:
                return
            self.announce_overdue_stop()
            if self.h2.process_input() and self.worker.pings_keep:
                self.idle_since = None
        except Exception as exc:
            # The one that serves it meets that again.
            self.worker.log.debug("HTTP/2 connection in an application: %s", exc)
        finally:
            self.lock.release()

    def finish(self) -> None:
        """Serve what waits, and end the connection with GOAWAY.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        h2 = self.h2
        while not h2.is_closed and (requests := h2.take_waiting()):
            self.serve(requests)
        h2.close(last_stream_id=self.last_served)
