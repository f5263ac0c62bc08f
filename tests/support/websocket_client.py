"""A WebSocket over HTTP/2 (RFC 8441) that a test drives: wsproto on a stream of `tls_client.Client`."""
from __future__ import annotations

import dataclasses

import h2.events
import wsproto.events
import wsproto.extensions
from wsproto.connection import Connection, ConnectionType

from .tls_client import Client


class WebSocket:
    """One WebSocket.

    Args:
        client: The connection.
        stream_id: Its stream.
        path: Where.
        *fields: More fields of the request.
        compressed: Whether to offer permessage-deflate.
    """

    def __init__(self, client: Client, stream_id: int, path: str, *fields: tuple[str, str], compressed: bool = False) -> None:
        self.client, self.stream_id = client, stream_id
        assert client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        assert client.conn.remote_settings.enable_connect_protocol == 1
        deflate = wsproto.extensions.PerMessageDeflate()
        offer = deflate.offer()
        client.conn.send_headers(stream_id, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", client.scheme), (":path", path),
            (":authority", "127.0.0.1"), ("sec-websocket-version", "13"), *fields,
            *([("sec-websocket-extensions", f"permessage-deflate; {offer}" if offer is not True else "permessage-deflate")]
              if compressed else []),
        ])
        client.flush()
        assert client.read(lambda: client.status(stream_id) is not None)
        response = client.found(h2.events.ResponseReceived, stream_id)[0]
        self.headers = dict(response.headers)
        self.status = self.headers[":status"]
        extensions = []
        if agreed := self.headers.get("sec-websocket-extensions"):
            deflate.finalize(agreed)
            extensions.append(deflate)
        self.connection = Connection(ConnectionType.CLIENT, extensions)
        self._read = 0
        self._pending: list[wsproto.events.Event] = []

    def send(self, event: wsproto.events.Event) -> None:
        self.client.upload(self.stream_id, self.connection.send(event))

    def events(self) -> list[wsproto.events.Event]:
        """What has arrived since the last call."""
        body = self.client.body(self.stream_id)
        new = body[self._read:]
        self._read = len(body)
        if new:
            self.connection.receive_data(new)
        return list(self.connection.events())

    def next(self) -> wsproto.events.Event:
        """The next event; the parts of a message are joined."""
        parts: list[wsproto.events.Event] = []
        while not parts or not getattr(parts[-1], "message_finished", True):
            while not self._pending:
                self._pending += self.events()
                if not self._pending:
                    seen = len(self.client.events)
                    assert self.client.read(lambda seen=seen: len(self.client.events) > seen)
            parts.append(self._pending.pop(0))
        if len(parts) > 1:
            return dataclasses.replace(parts[0], data=type(parts[0].data)().join(part.data for part in parts))
        return parts[0]


def sends_until_it_may_not(client: Client, stream_id: int, octets: bytes, most: int) -> int:
    """Send again and again, as the stream's window allows; return the octets that were taken before the server gave no more."""
    sent = 0
    while sent < most:
        size = min(len(octets), client.conn.max_outbound_frame_size)
        while client.conn.local_flow_control_window(stream_id) < size:
            seen = len(client.events)
            if not client.read(lambda seen=seen: len(client.events) > seen, 1.0):
                return sent
        client.data(stream_id, octets[:size])
        sent += size
    return sent
