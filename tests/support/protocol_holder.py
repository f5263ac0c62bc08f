"""A connection without a socket that holds a `ServerProtocol`."""
from __future__ import annotations

import types

from fasth2.server import errors
from fasth2.server._options import options_of
from fasth2.server._protocol import ServerProtocol
from fasth2.server.stream import HTTP2Stream, StreamState

from . import frames
from .clock import Clock
from .fields import request
from .frames import PREFACE, FrameReader


def config(**values):
    return types.SimpleNamespace(**{
        "http2_initial_window_size": 65535, "http2_max_concurrent_streams": 2, "http2_max_frame_size": 16384,
        "http2_max_header_list_size": 65536, "timeout": 30, "keepalive": 10, **values})


class Connection:
    """Holds a protocol, serves nothing, and writes down what it is told."""

    def __init__(self, **more):
        self.clock = more.pop("clock", None) or Clock()
        cfg = config(**{name: more.pop(name) for name in ("timeout", "keepalive") if name in more})
        self.protocol = ServerProtocol(options_of(cfg, errors, StreamState.CLOSED, clock=self.clock, **more))
        self.told = []
        self.reader = FrameReader()
        self.protocol.advertise()
        self.sent()
        self.receive(frames.settings(), frames.settings_ack(), before=PREFACE)
        self.sent()

    def receive(self, *parts, before=b""):
        return self.protocol.receive(before + b"".join(bytes(part) for part in parts), self)

    def sent(self):
        """What the engine has to send, by kind."""
        return [(sent.kind, sent.stream_id) for sent in self.read()]

    def read(self):
        return self.reader.read(self.protocol.engine.pull(1 << 20))

    def serve(self, *stream_ids, end_stream=True):
        self.receive(*(request(stream_id, end_stream=end_stream) for stream_id in stream_ids))
        return [self.protocol.streams[stream_id] for stream_id in stream_ids]

    def answer(self, stream_id):
        self.protocol.engine.respond(stream_id, 200, [], b"", None, True)
        self.protocol.streams.pop(stream_id).response_complete = True

    def _request_received(self, item, requests):
        if self.protocol.refuse(item.stream_id):
            return
        stream = self.protocol.streams[item.stream_id] = HTTP2Stream(item.stream_id, self)
        stream.receive_headers(item.headers, item.end_stream)
        requests.append(types.SimpleNamespace(stream=stream))

    def _data_received(self, item, requests):
        self.told.append(("data", item.stream_id, bytes(item.data)))

    def _trailers_received(self, item, requests):
        self.told.append(("trailers", item.stream_id))

    def _handed_out(self, stream):
        return True

    def _goaway_read(self, last_stream_id):
        self.told.append(("goaway", last_stream_id))

    def _connection_lost(self):
        self.protocol.closed = True
        self.told.append("lost")

    def _close_quietly(self):
        self.told.append("close")

    def _send_quietly(self):
        self.told.append(self.sent())
