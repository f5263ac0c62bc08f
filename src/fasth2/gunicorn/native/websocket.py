"""WebSockets over HTTP/2 (RFC 8441) by the package wsproto, where it is installed."""
from __future__ import annotations

import asyncio
import collections
import io
from typing import Any

from fasth2.asgi.errors import ClientDisconnected
from fasth2.asgi.tunnel import Tunnel

try:
    from wsproto import events
    from wsproto.connection import Connection, ConnectionState, ConnectionType
    from wsproto.extensions import PerMessageDeflate
    from wsproto.handshake import server_extensions_handshake
    from wsproto.utilities import LocalProtocolError, RemoteProtocolError
except ImportError:
    HAS_WSPROTO = False
else:
    #: True if wsproto is installed.
    HAS_WSPROTO = True

__all__ = ["HAS_WSPROTO", "WebSocket", "open_websocket"]

#: Octets that wait in the stream, above which ``send()`` waits for the client, and the client's octets are held: they may
#: be pings, each of which is answered.
HIGH_WATER = 65536

#: Messages that wait for the application, above which the client's octets are held.
MOST_MESSAGES = 64

#: Octets that are processed at once. As many messages as fit them may be made of them, or a thousand times as much text.
_SLICE = 4096

#: Fields of the handshake that only the server sets.
_OWN = frozenset((b"sec-websocket-extensions", b"sec-websocket-protocol"))

# Codes of RFC 6455 section 7.4.1 and its registry.
_NORMAL, _NO_STATUS, _ABNORMAL, _TOO_BIG, _INTERNAL_ERROR, _RESTART = 1000, 1005, 1006, 1009, 1011, 1012

# States of the handshake.
_CONNECTING = 0
_DENYING = 1
_OPEN = 2
_CLOSED = 3


def open_websocket(tunnel: Tunnel, scope: dict[str, Any], max_message: int) -> WebSocket:
    """Call the application for a WebSocket.

    Args:
        tunnel: The stream.
        scope: The scope of the request, which becomes that of the WebSocket.
        max_message: Octets of a message; a longer one closes the WebSocket with code 1009; 0: no limit.

    Returns:
        The WebSocket, which receives the stream's octets.
    """
    del scope["method"]
    scope["scheme"] = {"https": "wss", "http": "ws"}.get(scope["scheme"], scope["scheme"])
    extensions = scope["extensions"]
    scope["extensions"] = {"websocket.http.response": {}, **{key: extensions[key] for key in ("tls",) if key in extensions}}
    scope["subprotocols"] = _listed(scope, b"sec-websocket-protocol")
    socket = WebSocket(tunnel, scope, max_message)
    socket.start()
    return socket


class WebSocket:
    """One WebSocket while the application runs: its ``receive()`` and ``send()``, and the stream's octets.

    Args:
        tunnel: The stream.
        scope: The WebSocket's scope.
        max_message: Octets of a message; 0: no limit.
    """

    def __init__(self, tunnel: Tunnel, scope: dict[str, Any], max_message: int) -> None:
        self._tunnel = tunnel
        self._service = tunnel.streams.service
        self._scope = scope
        self._max_message = max_message
        self._state = _CONNECTING
        self._connection: Connection | None = None
        self._messages: collections.deque[dict[str, Any]] = collections.deque([{"type": "websocket.connect"}])
        # For one of `_messages`.
        self._waiters: list[asyncio.Future[None]] = []
        # The message that is incomplete, joined, since the client chooses the size of its frames.
        self._text = io.StringIO()
        self._binary = bytearray()
        self._size = 0
        # Octets of the client for which it has no credit yet, and those of them that were not processed.
        self._owed = 0
        self._held = bytearray()
        self._waits_for_room = False
        self._input_ended = False
        self._task: asyncio.Task[None] | None = None
        # Status and fields of a denial, and its body so far.
        self._denial: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._denial_body = bytearray()
        self._disconnected = False

    def start(self) -> None:
        """Call the application, or refuse a version that is not that of RFC 6455."""
        versions = _listed(self._scope, b"sec-websocket-version")
        if versions and versions != ["13"]:
            self._state = _CLOSED
            self._tunnel.respond(426, [(b"sec-websocket-version", b"13")], b"", True)
            return
        self._task = self._service.create(self._run())

    async def _run(self) -> None:
        self._tunnel.application_begins()
        try:
            await self._service.app(self._scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self._end(_INTERNAL_ERROR)
            raise
        except Exception as error:
            self._service.host.report("Exception in ASGI application\n", error, self._disconnected)
            self._end(_INTERNAL_ERROR)
        else:
            if self._state == _CONNECTING:
                self._service.host.report("ASGI callable returned without completing handshake.", None, False)
            self._end(_NORMAL)
        finally:
            self._tunnel.application_ends()

    def _end(self, code: int) -> None:
        """The application has ended: answer the client in any case."""
        if self._state == _CONNECTING:
            self._respond(500, [], b"Internal Server Error")
        elif self._state == _DENYING:
            self._state = _CLOSED
            self._tunnel.reset()
        elif self._state == _OPEN:
            self._close(code, "")

    def shutdown(self) -> None:
        """Close an open WebSocket at the begin of a graceful shutdown."""
        if self._state == _OPEN:
            self._close(_RESTART, "")
            self._disconnect(_RESTART, "")

    def cancel(self) -> None:
        """Cancel the application's task."""
        if self._task is not None:
            self._task.cancel()

    # The application's callables

    async def receive(self) -> dict[str, Any]:
        """ASGI's ``receive()``."""
        while not self._messages:
            future = self._service.loop.create_future()
            self._waiters.append(future)
            try:
                await future
            finally:
                if future in self._waiters:
                    self._waiters.remove(future)
        message = self._messages[0]
        if message["type"] != "websocket.disconnect":
            # That one is for every further call.
            self._messages.popleft()
        self._process()
        return message

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's ``send()``.

        Args:
            message: A mapping with ``type``.

        Raises:
            OSError: The client is gone.
            RuntimeError: ASGI does not allow the message now.
        """
        kind = message["type"]
        if self._disconnected:
            raise ClientDisconnected("the client has gone")
        if self._state == _CONNECTING:
            if kind == "websocket.accept":
                self._accept(message)
            elif kind == "websocket.close":
                self._respond(403, [], b"")
                self._put({"type": "websocket.disconnect", "code": _ABNORMAL})
            elif kind == "websocket.http.response.start":
                self._denial = message["status"], [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
                self._state = _DENYING
            else:
                raise _unexpected(kind, "websocket.accept, websocket.close or websocket.http.response.start")
        elif self._state == _DENYING:
            if kind != "websocket.http.response.body":
                raise _unexpected(kind, "websocket.http.response.body")
            self._denial_body += message.get("body", b"")
            if not message.get("more_body", False):
                assert self._denial is not None
                self._respond(*self._denial, bytes(self._denial_body))
                self._put({"type": "websocket.disconnect", "code": _ABNORMAL})
        elif self._state == _OPEN:
            if kind == "websocket.send":
                await self._send(message)
            elif kind == "websocket.close":
                self._close(message.get("code", _NORMAL), message.get("reason") or "")
                self._put({"type": "websocket.disconnect", "code": message.get("code", _NORMAL)})
            else:
                raise _unexpected(kind, "websocket.send or websocket.close")
        else:
            raise RuntimeError(f"Unexpected ASGI message '{kind}', after sending 'websocket.close'.")

    def _accept(self, message: dict[str, Any]) -> None:
        fields = [
            (bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ()) if bytes(name).lower() not in _OWN
        ]
        if subprotocol := message.get("subprotocol"):
            fields.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        deflate = PerMessageDeflate()
        agreed = server_extensions_handshake(_listed(self._scope, b"sec-websocket-extensions"), [deflate])
        if agreed:
            fields.append((b"sec-websocket-extensions", agreed))
        self._connection = Connection(ConnectionType.SERVER, [deflate] if agreed else [])
        self._state = _OPEN
        self._tunnel.respond(200, fields)
        self._process()

    def _respond(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._state = _CLOSED
        if all(name.lower() != b"content-length" for name, _ in fields):
            fields = [*fields, (b"content-length", b"%d" % len(body))]
        self._tunnel.respond(status, fields, body, True)

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._connection is not None
        data = message.get("bytes")
        if data is None:
            octets = self._connection.send(events.TextMessage(data=message["text"]))
        else:
            octets = self._connection.send(events.BytesMessage(data=bytes(data)))
        self._tunnel.write(octets)
        if self._tunnel.queued > HIGH_WATER:
            await self._tunnel.room()

    def _close(self, code: int, reason: str) -> None:
        self._state = _CLOSED
        connection = self._connection
        assert connection is not None
        if connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            try:
                self._tunnel.write(connection.send(events.CloseConnection(code=code, reason=reason)))
            except LocalProtocolError:
                pass  # the code is not one that may be sent
        self._tunnel.end()

    # The stream's octets

    def octets_received(self, data: bytes) -> None:
        """Process octets of the client.

        Args:
            data: The octets.
        """
        if self._state <= _OPEN and not self._disconnected:
            self._owed += len(data)
            self._held += data
            self._process()

    def _holds(self) -> bool:
        """Return True if octets of the client are held: before the application has accepted, or while too much waits."""
        if self._state != _OPEN or len(self._messages) >= MOST_MESSAGES:
            return True
        if self._tunnel.queued <= HIGH_WATER:
            return False
        if not self._waits_for_room:
            self._waits_for_room = True
            self._tunnel.room().add_done_callback(self._room)
        return True

    def _room(self, _future: Any) -> None:
        self._waits_for_room = False
        self._process()

    def _process(self) -> None:
        """Process octets that are held, and let the client send more once the application has taken what is complete."""
        while self._held and not self._holds():
            data = bytes(self._held[:_SLICE])
            del self._held[:_SLICE]
            self._feed(data)
        if self._input_ended and not self._held and not self._disconnected:
            self._end_input()
        if self._owed and not self._held and not self._messages and self._state == _OPEN and not self._disconnected:
            owed, self._owed = self._owed, 0
            self._tunnel.credit(owed)

    def _feed(self, data: bytes) -> None:
        connection = self._connection
        assert connection is not None
        try:
            connection.receive_data(data)
            for event in connection.events():
                self._take(event)
        except RemoteProtocolError as error:
            self._close(getattr(error.event_hint, "code", 1002), "")
            self._disconnect(1002, "")

    def _take(self, event: Any) -> None:
        if self._state != _OPEN:
            return
        if isinstance(event, events.Message):
            self._size += len(event.data)
            if self._max_message and self._size > self._max_message:
                self._close(_TOO_BIG, "")
                self._disconnect(_TOO_BIG, "")
            elif isinstance(event, events.TextMessage):
                self._text.write(event.data)
                if event.message_finished:
                    text, self._text, self._size = self._text.getvalue(), io.StringIO(), 0
                    self._put({"type": "websocket.receive", "text": text})
            else:
                self._binary += event.data
                if event.message_finished:
                    binary, self._binary, self._size = bytes(self._binary), bytearray(), 0
                    self._put({"type": "websocket.receive", "bytes": binary})
        elif isinstance(event, events.Ping):
            assert self._connection is not None
            self._tunnel.write(self._connection.send(event.response()))
        elif isinstance(event, events.CloseConnection):
            # A protocol error of the client comes as one, too.
            self._close(event.code, "")
            self._disconnect(_NO_STATUS if event.code is None else int(event.code), event.reason or "")

    def _put(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        waiters, self._waiters = self._waiters, []
        for future in waiters:
            if not future.done():
                future.set_result(None)

    def _disconnect(self, code: int, reason: str) -> None:
        if not self._disconnected:
            self._disconnected = True
            self._held.clear()
            self._put({"type": "websocket.disconnect", "code": code, "reason": reason})

    def input_ended(self) -> None:
        """The client has ended its side without a close frame."""
        self._input_ended = True
        if self._state == _OPEN and self._held:
            # What was complete before is the application's.
            self._process()
        else:
            self._end_input()

    def _end_input(self) -> None:
        self._disconnect(_ABNORMAL, "")
        if self._state == _OPEN:
            self._state = _CLOSED
        self._tunnel.end()

    def connection_lost(self) -> None:
        """The stream is gone."""
        if self._state != _CLOSED:
            self._state = _CLOSED
            self._disconnect(_ABNORMAL, "")


def _listed(scope: dict[str, Any], name: bytes) -> list[str]:
    """Return the members of a field that is a list."""
    return [
        member for field, value in scope["headers"] if field == name
        for part in value.decode("latin-1").split(",") if (member := part.strip())
    ]  # fmt: skip


def _unexpected(kind: str, wanted: str) -> RuntimeError:
    return RuntimeError(f"Expected ASGI message {wanted}, but got '{kind}'.")
