"""WebSockets over HTTP/2 (RFC 8441) by uvicorn's own WebSocket classes."""
from __future__ import annotations

import base64
import os
from typing import Any

import h11

from fasth2.asgi.tunnel import Tunnel

__all__ = ["open_websocket"]

#: Octets that wait in the stream, above which the protocol is told to pause writing.
HIGH_WATER = 65536

#: Octets that wait in the stream, above which the client's octets are kept, and get no credit: the protocol answers
#: each PING, also one of a client that reads nothing.
MOST_QUEUED = 4 * HIGH_WATER

#: Fields of HTTP/1.1's handshake, which has no place in HTTP/2.
_HANDSHAKE = frozenset((b"connection", b"upgrade", b"sec-websocket-accept", b"transfer-encoding"))

#: Fields that are made up for it.
_MADE_UP = frozenset((b"host", b"connection", b"upgrade", b"sec-websocket-key"))


def open_websocket(owner: Any, tunnel: Tunnel, scope: dict[str, Any]) -> StreamTransport:
    """Begin a WebSocket.

    Args:
        owner: The connection's `H2Protocol`.
        tunnel: Its stream.
        scope: The scope.

    Returns:
        The transport, which receives the stream's octets.
    """
    config = owner.config
    protocol = config.ws_protocol_class(config=config, server_state=owner.server_state, app_state=owner.app_state)
    protocol.app = MendedScope(protocol.app, scope, tunnel)
    transport = StreamTransport(owner.transport, owner.loop, tunnel, protocol)
    tunnel.receiver = transport
    protocol.connection_made(transport)
    protocol.data_received(transport.handshake(scope))
    return transport


class MendedScope:
    """The application, called with what the client has sent in place of what was made up.

    Args:
        app: The application.
        scope: The scope of the HTTP/2 request.
        tunnel: The stream, which counts against the limit on streams until the application has ended.
    """

    def __init__(self, app: Any, scope: dict[str, Any], tunnel: Tunnel) -> None:
        self._app = app
        self._scope = scope
        self._tunnel = tunnel

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        scope["http_version"] = self._scope["http_version"]
        scope["headers"] = self._scope["headers"]
        self._tunnel.application_begins()
        try:
            return await self._app(scope, receive, send)
        finally:
            self._tunnel.application_ends()


class StreamTransport:
    """What uvicorn's WebSocket classes take for a transport: a stream of HTTP/2.

    Args:
        transport: The connection's transport.
        loop: The event loop.
        tunnel: The stream.
        protocol: uvicorn's WebSocket protocol.
    """

    def __init__(self, transport: Any, loop: Any, tunnel: Tunnel, protocol: Any) -> None:
        self._transport = transport
        self._loop = loop
        self._tunnel = tunnel
        self._protocol = protocol
        # Reads the response to the handshake; None once that is a tunnel.
        self._http1: h11.Connection | None = h11.Connection(h11.CLIENT)
        # Status and fields of a denial, and its body so far.
        self._denial: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._denial_body = bytearray()
        self._paused = False
        # Joined, since the client chooses the size of its frames.
        self._waiting = bytearray()
        self._closing = False
        self._lost = False
        self._writing_paused = False

    def handshake(self, scope: dict[str, Any]) -> bytes:
        """Return the request of HTTP/1.1 that the protocol expects.

        Args:
            scope: The scope of the HTTP/2 request.
        """
        target = scope["raw_path"][len(scope["root_path"]) :]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        fields = [
            (b"host", host), (b"connection", b"Upgrade"), (b"upgrade", b"websocket"),
            (b"sec-websocket-key", base64.b64encode(os.urandom(16))),
            *((name, value) for name, value in scope["headers"] if name not in _MADE_UP),
        ]  # fmt: skip
        if all(name != b"sec-websocket-version" for name, _ in fields):
            fields.append((b"sec-websocket-version", b"13"))
        assert self._http1 is not None
        octets: bytes = b"".join(
            (b"GET ", target, b" HTTP/1.1\r\n", *(part for name, value in fields for part in (name, b": ", value, b"\r\n")),
             b"\r\n"))  # fmt: skip
        self._http1.send(h11.Request(method=b"GET", target=b"/", headers=[
            (b"host", b"a"), (b"connection", b"Upgrade"), (b"upgrade", b"websocket")]))  # fmt: skip
        self._http1.send(h11.EndOfMessage())
        return octets

    # Called by the stream

    def octets_received(self, data: bytes) -> None:
        """Pass octets of the client to the protocol, unless it has paused reading, or is not to get more yet.

        They are kept, and get no credit, until the application has accepted, and while too much waits for the client.

        Args:
            data: The octets.
        """
        if self._lost or self._closing:
            return
        if self._holds():
            self._waiting += data
            return
        self._tunnel.credit(len(data))
        self._protocol.data_received(data)

    def _holds(self) -> bool:
        """Return True if octets of the client are kept."""
        return (self._paused or self._http1 is not None
                or (self._writing_paused and self._tunnel.queued > MOST_QUEUED))  # fmt: skip

    def input_ended(self) -> None:
        """The client has ended its side."""
        if not self._lost:
            if self._waiting and not self._paused and self._http1 is None:
                waiting, self._waiting = bytes(self._waiting), bytearray()
                self._protocol.data_received(waiting)
            self._protocol.eof_received()
            self.close()

    def connection_lost(self) -> None:
        """The stream is gone."""
        self._closing = True
        self._lose()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._waiting.clear()
            self._protocol.connection_lost(None)

    # Called by the protocol

    def write(self, data: Any) -> None:
        """Send octets.

        Args:
            data: Any buffer.
        """
        if self._closing or self._lost:
            return
        if self._http1 is not None:
            self._answer(bytes(data))
            return
        self._tunnel.write(data)
        if not self._writing_paused and self._tunnel.queued > HIGH_WATER:
            self._writing_paused = True
            self._tunnel.room().add_done_callback(self._room)
            self._protocol.pause_writing()

    def writelines(self, parts: Any) -> None:
        """Send octets.

        Args:
            parts: Buffers.
        """
        self.write(b"".join(parts))

    def _room(self, future: Any) -> None:
        self._writing_paused = False
        if not self._lost:
            self._protocol.resume_writing()
            self._pass_on()

    def _answer(self, data: bytes) -> None:
        """Convert the response to the handshake: 101 becomes 200, a denial stays what it is."""
        http1 = self._http1
        assert http1 is not None
        http1.receive_data(data)
        while True:
            event = http1.next_event()
            if type(event) is h11.InformationalResponse and event.status_code == 101:
                self._http1 = None
                self._tunnel.respond(200, _fields(event.headers))
                self._loop.call_soon(self._pass_on)
                if http1.trailing_data[0]:
                    self.write(http1.trailing_data[0])
                return
            if type(event) is h11.Response:
                self._denial = (event.status_code, _fields(event.headers))
            elif type(event) is h11.Data:
                self._denial_body += event.data
            elif type(event) is h11.EndOfMessage:
                self._deny()
                return
            else:
                return

    def _deny(self) -> None:
        assert self._denial is not None
        status, fields = self._denial
        self._denial = None
        self._tunnel.respond(status, fields, bytes(self._denial_body), True)

    def close(self) -> None:
        """End this side of the stream."""
        if self._closing:
            return
        if self._denial is not None:
            # Its body ends with the connection.
            self._deny()
        self._closing = True
        self._tunnel.end()
        self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """Reset the stream."""
        if not self._lost:
            self._closing = True
            self._tunnel.reset()
            self._loop.call_soon(self._lose)

    def is_closing(self) -> bool:
        """Return True once the transport is closing."""
        return self._closing

    def pause_reading(self) -> None:
        """Keep further octets, and let the client send no more than its window."""
        self._paused = True

    def resume_reading(self) -> None:
        """Pass octets on again."""
        self._paused = False
        self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting and not self._holds():
            waiting, self._waiting = bytes(self._waiting), bytearray()
            self.octets_received(waiting)

    def is_reading(self) -> bool:
        """Return True unless reading is paused."""
        return not self._paused

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: the limits are those of the stream."""

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high limit."""
        return HIGH_WATER // 2, HIGH_WATER

    def get_write_buffer_size(self) -> int:
        """Return the octets that wait for the client."""
        return self._tunnel.queued

    def can_write_eof(self) -> bool:
        """Return False, as for TLS."""
        return False

    def set_protocol(self, protocol: Any) -> None:
        """Change the protocol."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Return the protocol."""
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the connection."""
        return self._transport.get_extra_info(name, default)


def _fields(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(bytes(name), bytes(value)) for name, value in headers if name.lower() not in _HANDSHAKE]
