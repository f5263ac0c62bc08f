"""What blocking workers do for one HTTP/2 connection: its requests, one after another."""
from __future__ import annotations

import errno
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ProtocolError, HTTP2StreamError
from gunicorn.http2.stream import StreamState

from fasth2.server.proxy_header import ProxyHeader

from .environ import EnvironTemplate
from .proxy_protocol import request_info

__all__ = ["Serving", "report"]

#: Seconds within which an application has to return to count as fast, and
#: that an answer may wait for the next ones.
TICK = 0.001

#: How often in a row an application has to be fast before answers wait for it.
PROOFS = 8

#: Pairs of method and path that are counted; then that starts anew.
_COUNTED = 1024

#: The longest of these pairs, in characters.
_LONGEST = 256

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
        handled: Callable[[Any], bool] | None = None,
        proxied: ProxyHeader | None = None,
    ) -> None:
        self.worker = worker
        self._proxy_info = request_info(proxied)
        self.h2 = h2
        self.environs = EnvironTemplate(worker.cfg, h2, sock, client, server)
        #: The highest stream served.
        self.last_served = 0
        #: When the connection is to end if nothing comes; ``None`` while it is served.
        self.idle_until: float | None = None
        #: Whether that time is over.
        self.expired = False
        self._handled = handled
        self._pre_request = worker.cfg.pre_request
        self._post_request = worker.cfg.post_request
        self._fast: dict[tuple[str, str], int] = worker.fast_requests

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
            if not self.worker.alive and self.worker.is_overdue():
                # A peer that always has a request open would keep the connection until it is cut.
                h2.refuse_new_streams()
            if req.stream.state is not _CLOSED:
                self.serve_request(req)
        except (HTTP2StreamError, HTTP2ConnectionError) as exc:
            # The peer is gone, in whole or in part, or too slow.
            self.worker.log.debug("HTTP/2 stream closed: %s", exc)
        except Exception as exc:
            self.worker.log.exception("Error handling HTTP/2 request")
            try:
                h2.send_error(stream_id, 500, str(exc))
            except Exception as failure:
                self.worker.log.debug("HTTP/2 error response failed: %s", failure)
        finally:
            h2.cleanup_stream(stream_id)

    def serve_request(self, req: Any) -> None:
        """Run the application for a request and send what it returns.

        Args:
            req: The request.

        Raises:
            Exception: Whatever the application raises.
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
            answer = worker.wsgi(environ, resp.start_response)
            if self._handled is not None and self._handled(answer):
                return
            if not resp.send_whole(answer):
                try:
                    for part in answer:
                        resp.write(part)
                    resp.close()
                finally:
                    if hasattr(answer, "close"):
                        answer.close()
        finally:
            took = time.monotonic() - start
            if took > TICK:
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

    def finish(self) -> None:
        """Serve what waits, and end the connection with GOAWAY.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        h2 = self.h2
        while not h2.is_closed and (requests := h2.take_waiting()):
            self.serve(requests)
        h2.close(last_stream_id=self.last_served)
