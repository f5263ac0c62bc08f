"""`H2Protocol`: HTTP/2 on uvicorn's transports."""
from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from fasth2.asgi.scope import ScopeMaker
from fasth2.asgi.session import Session
from fasth2.asgi.settings import ASGISettings
from fasth2.asgi.tls import tls_extension
from fasth2.limits import Limits
from fasth2.server._tcp import limit_unsent
from fasth2.server.counting import Record

from .alpn import ALPN_PROTOCOLS, offer
from .host import host_of
from .proxied import applications
from .websocket import open_websocket

__all__ = ["PREFACE_WAIT", "H2Protocol"]

#: The connection preface of a client (RFC 9113 section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Seconds that a client may take for the rest of the preface.
PREFACE_WAIT = 5.0


class H2Protocol(asyncio.BufferedProtocol):
    """HTTP/2 for uvicorn's ``--http`` (from 0.36 on) or ``uvicorn.run(http=H2Protocol)``.

    Over TLS the client chooses HTTP/2 by ALPN; in the clear it begins with the preface of HTTP/2 ("prior knowledge").
    Other connections are handed to uvicorn's own HTTP/1.1 class. A subclass may set the class attributes.

    Args:
        config: uvicorn's configuration.
        server_state: uvicorn's state of the server.
        app_state: The lifespan's state.
        _loop: The event loop; ``None``: the running one.
    """

    #: The protocols to offer in TLS; read by uvicorn from 0.53 on.
    alpn_protocols: ClassVar[list[str]] = ALPN_PROTOCOLS

    #: The class for HTTP/1.1, or its name; ``None``: the one that ``FASTH2_HTTP1`` names, by default uvicorn's own.
    http1: ClassVar[Any] = None

    #: True to use the certificate's files again when they have changed, without a restart; ``FASTH2_RENEW_CERTIFICATE`` in
    #: the environment comes before it.
    renew_certificate: ClassVar[bool] = False

    #: True to keep what was loaded from being looked at by each full garbage collection (`gc.freeze`), from the first
    #: connection on; ``FASTH2_GC_FREEZE`` in the environment comes before it.
    gc_freeze: ClassVar[bool] = False

    #: Settings of the server. Variables of the environment come before them.
    settings: ClassVar[ASGISettings] = ASGISettings()

    #: The engine's limits against hostile clients; ``FASTH2_LIMITS`` in the environment comes before them.
    limits: ClassVar[Limits] = Limits()

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any],
                 _loop: asyncio.AbstractEventLoop | None = None) -> None:
        if not config.loaded:
            config.load()
        offer(config, self.alpn_protocols)
        self.config = config
        self.server_state = server_state
        self.app_state = app_state
        self.loop = _loop or asyncio.get_running_loop()
        self.host = host_of(type(self), config, server_state, app_state, self.loop)
        if self.host.renewal is not None:
            self.host.renewal.check()
        self.connections = server_state.connections
        self.transport: Any = None
        self.session: Session | None = None
        # Octets of a cleartext connection that may still become the preface.
        self._early = b""
        self._early_timer: asyncio.TimerHandle | None = None

    # Called by the loop

    def connection_made(self, transport: Any) -> None:
        """Called when the connection is established, TLS handshake included."""
        self.transport = transport
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is None:
            self.connections.add(self)
        elif ssl_object.selected_alpn_protocol() == "h2":
            self.connections.add(self)
            self._begin()
        else:
            self._hand_over(b"")

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called for a buffer to read to; all connections of a loop share one."""
        return self.host.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called when octets were read to the buffer."""
        if self.session is not None:
            self.session.feed(self.host.buffer, nbytes)
        else:
            self._detect(bytes(self.host.buffer[:nbytes]))

    def eof_received(self) -> bool:
        """Called when the client has closed its sending side. In the clear, complete requests are still answered."""
        return self.session is not None and self.session.eof_received(not is_ssl(self.transport))

    def pause_writing(self) -> None:
        """Called when the transport takes no more output."""
        if self.session is not None:
            self.session.pause_writing()

    def resume_writing(self) -> None:
        """Called when the transport takes output again."""
        if self.session is not None:
            self.session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        self.connections.discard(self)
        self._forget_timer()
        if self.session is not None:
            self.host.watch.discard(self.session)
            self.session.connection_lost()

    # Called by uvicorn

    def shutdown(self) -> None:
        """Begin a graceful shutdown of the connection."""
        if self.session is not None:
            self.session.shutdown()
        else:
            self.transport.close()

    # The protocol of the connection

    def _detect(self, data: bytes) -> None:
        early = self._early = self._early + data
        if early.startswith(PREFACE):
            self._forget_timer()
            self._begin()
            assert self.session is not None
            self.session.feed(early)
        elif PREFACE.startswith(early):
            if self._early_timer is None:
                self._early_timer = self.loop.call_later(PREFACE_WAIT, self.transport.close)
        else:
            self._forget_timer()
            self._hand_over(early)

    def _forget_timer(self) -> None:
        self._early = b""
        if self._early_timer is not None:
            self._early_timer.cancel()
            self._early_timer = None

    def _begin(self) -> None:
        host, transport = self.host, self.transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            limit_unsent(sock)
        client = get_remote_addr(transport)
        extensions = host.extensions
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            extensions = {**extensions, "tls": tls_extension(ssl_object, self.config.ssl_certfile)}
        maker = ScopeMaker(
            host.service.scope, get_local_addr(transport), client, "https" if is_ssl(transport) else "http", extensions
        )
        app, forwarded_app = applications(self.config.loaded_app, client)
        self.session = Session(
            host.service, transport, maker, access_log=host.access_log(), app=app, forwarded_app=forwarded_app,
            open_websocket=partial(open_websocket, self) if self.config.ws_protocol_class is not None else None,
        )  # fmt: skip
        # Its counters are among the process's as long as the connection is there, and after it.
        self.session.protocol.record = Record(self.session.protocol.engine)
        host.watch.add(self.session)

    def _hand_over(self, early: bytes) -> None:
        """Give the connection to uvicorn's HTTP/1.1."""
        self.connections.discard(self)
        protocol = self.host.http1(
            config=self.config, server_state=self.server_state, app_state=self.app_state, _loop=self.loop
        )
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if early:
            protocol.data_received(early)
