"""Accepting connections for the asyncio worker: PROXY header and TLS handshake, with failures logged."""
from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from typing import Any

from fasth2.gunicorn.trusted_proxies import PREFACE, PREFACE_WAIT, accepted_versions, takes_preface
from fasth2.server._options import seconds
from fasth2.server.proxy_header import ProxyHeader, ProxyHeaderError, ProxyHeaderReceiver

__all__ = ["Acceptor"]

#: Connections accepted in one event.
_ACCEPTS = 64

#: Seconds to pause accepting after the descriptors ran out.
_PAUSE = 0.2

#: Seconds between two reads of an incomplete PROXY header.
_CHECK_INTERVAL = 0.01

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Serves a listening socket, instead of asyncio's ``Server``, which does not report failed handshakes.

    Args:
        worker: gunicorn's worker.
        protocol_factory: Makes the protocol of a connection.
        sock: The listening socket.
        context: For TLS, or ``None``.

    Attributes:
        sockets: The listening socket; empty once it is closed.
    """

    def __init__(
        self, worker: Any, protocol_factory: Callable[[], Any], sock: Any, context: ssl.SSLContext | None
    ) -> None:
        self._worker = worker
        self._cfg = worker.cfg
        self._log = worker.log
        self._loop = worker.loop
        self._protocol_factory = protocol_factory
        self._context = context
        self._timeout = seconds(worker.cfg.timeout)
        # Tasks of connections before their protocol is connected.
        self._tasks: set[asyncio.Task[None]] = set()
        self.sockets = [sock]
        sock.setblocking(False)

    def start(self) -> None:
        """Start accepting connections."""
        for sock in self.sockets:
            if self._worker.alive:
                self._loop.add_reader(sock.fileno(), self._accept, sock)

    def close(self) -> None:
        """Stop accepting; accepted connections continue."""
        for sock in self.sockets:
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self.sockets = []

    async def wait_closed(self) -> None:
        """Wait until the handshakes of accepted connections have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, listener: Any) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                if exc.errno in _EXHAUSTED:
                    self._log.error("No descriptors are left; connections wait: %s", exc)
                    self._loop.remove_reader(listener.fileno())
                    self._loop.call_later(_PAUSE, self.start)
                else:
                    self._log.debug("A connection could not be accepted: %s", exc)
                return
            sock.setblocking(False)
            task = self._loop.create_task(self._begin(sock, address, self._protocol_factory()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, sock: Any, address: Any, protocol: Any) -> None:
        try:
            protocol.proxied = await self._header(sock, address)
            options = {"ssl": self._context, "ssl_handshake_timeout": self._timeout} if self._context else {}
            await self._loop.connect_accepted_socket(lambda: protocol, sock, **options)
        except ProxyHeaderError as exc:
            self._log.warning("Invalid request from %s: %s", address, exc)
            sock.close()
        except (OSError, asyncio.TimeoutError) as exc:
            self._log.debug("TLS handshake with %s failed: %s", address, exc or "it took too long")
            sock.close()
        except BaseException:
            sock.close()
            raise
        finally:
            # After a failed handshake no stopping worker waits for it.
            self._worker.accepted_protocols.discard(protocol)

    async def _header(self, sock: Any, address: Any) -> ProxyHeader | None:
        versions = accepted_versions(self._cfg, address)
        if not versions:
            return None
        if self._context is not None:
            return await asyncio.wait_for(self._receive(ProxyHeaderReceiver(sock, versions), sock), self._timeout)
        if not takes_preface(self._cfg, address):
            return None
        try:
            return await asyncio.wait_for(
                self._receive(ProxyHeaderReceiver(sock, versions, PREFACE), sock), PREFACE_WAIT
            )
        except (OSError, asyncio.TimeoutError):
            return None  # reported by gunicorn's next read

    async def _receive(self, receiver: ProxyHeaderReceiver, sock: Any) -> ProxyHeader | None:
        while True:
            try:
                if receiver.receive():
                    return receiver.header
            except (BlockingIOError, InterruptedError):
                await self._readable(sock)
            else:
                await asyncio.sleep(_CHECK_INTERVAL)

    async def _readable(self, sock: Any) -> None:
        ready = self._loop.create_future()
        self._loop.add_reader(sock.fileno(), _wake, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(sock.fileno())


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
