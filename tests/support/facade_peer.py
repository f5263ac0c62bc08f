"""A server connection in memory and an h2 client as its peer.

``MemorySocket`` plays what the peer's socket delivers, read by read, and
keeps each write apart; ``Peer`` is the client, and can also send raw octets
that h2 would refuse to make.
"""
from __future__ import annotations

import collections
import socket
import types

import h2.config
import h2.connection
import h2.events
import h2.settings

INITIAL_WINDOW_SIZE = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
GET = [(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]

KINDS = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")


def config(**values):
    """The four settings, and whatever else is given."""
    return types.SimpleNamespace(**{
        "http2_initial_window_size": 65535,
        "http2_max_concurrent_streams": 100,
        "http2_max_frame_size": 16384,
        "http2_max_header_list_size": 65536,
        **values,
    })


class MemorySocket:
    """A socket without time-outs.

    ``reads`` holds what ``recv`` gives, in turn: octets; an exception, which
    is raised; a callable, whose result is given. When it is empty the peer has
    closed. ``writes`` holds what each ``sendall`` was given; an exception in
    ``write_error`` is raised instead.
    """

    def __init__(self):
        self.reads = collections.deque()
        self.writes = []
        self.write_error = None

    def recv(self, size):
        assert size > 0
        if not self.reads:
            return b""
        read = self.reads.popleft()
        if callable(read) and not isinstance(read, type):
            read = read()
        if isinstance(read, BaseException):
            raise read
        if len(read) > size:
            self.reads.appendleft(read[size:])
        return read[:size]

    def sendall(self, data):
        if self.write_error is not None:
            raise self.write_error
        self.writes.append(bytes(data))


class Frame(collections.namedtuple("Frame", "kind flags stream_id payload")):
    """A frame that went over the wire."""

    @property
    def error_code(self):
        """The code of RST_STREAM or GOAWAY."""
        at = {"RST_STREAM": 0, "GOAWAY": 4}[self.kind]
        return int.from_bytes(self.payload[at:at + 4], "big")

    @property
    def end_stream(self):
        return bool(self.flags & 1)


def frames(octets):
    """The frames in octets that hold whole ones."""
    found = []
    while octets:
        length = int.from_bytes(octets[:3], "big")
        assert len(octets) >= 9 + length
        found.append(Frame(KINDS[octets[3]], octets[4], int.from_bytes(octets[5:9], "big"), octets[9:9 + length]))
        octets = octets[9 + length:]
    return found


def frame(kind, flags, stream_id, payload=b""):
    """The octets of one frame."""
    return (len(payload).to_bytes(3, "big") + bytes([KINDS.index(kind), flags])
            + stream_id.to_bytes(4, "big") + payload)


class Peer:
    """The client of one server connection.

    Args:
        make: Called with a configuration, a socket and an address.
        cfg: The configuration.
        sock: The server's socket; a `MemorySocket` by default.
        settings: The client's settings that differ from the defaults.
        greeted: Whether both prefaces are exchanged at once.
    """

    def __init__(self, make, cfg=None, sock=None, settings=None, greeted=True):
        self.client = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        # The defaults with the changes, so that they go out in the first frame.
        self.client.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.ENABLE_PUSH: 0, **(settings or {})})
        self.client.initiate_connection()
        self.sock = MemorySocket() if sock is None else sock
        self.server = make(config() if cfg is None else cfg, self.sock, ("192.0.2.1", 50000))
        self.seen = 0
        self.events = []
        if greeted:
            self.server.initiate_connection()
            self.talk()

    def octets(self):
        """What the client has to send."""
        return self.client.data_to_send()

    def queue(self, *reads):
        """Let the server's next reads give these; without arguments, what the client has to send."""
        self.sock.reads.extend(reads or [self.octets()])

    def tell(self):
        """Give the server what the client has to send; return its requests."""
        return self.server.receive_data(self.octets())

    def talk(self):
        """Exchange until neither side has anything to say; return the server's requests."""
        requests = []
        while True:
            self.listen()
            octets = self.octets()
            if not octets:
                return requests
            requests += self.server.receive_data(octets)

    def written(self):
        """The writes since the last time."""
        writes = self.sock.writes[self.seen:]
        self.seen = len(self.sock.writes)
        return writes

    def listen(self):
        """Give the client what the server wrote; return its events."""
        events = []
        for octets in self.written():
            events += self.client.receive_data(octets)
        self.events += events
        return events

    def request(self, stream_id=1, headers=GET, end_stream=True, **kwargs):
        """Have the client send a request's headers."""
        self.client.send_headers(stream_id, headers, end_stream=end_stream, **kwargs)

    def served(self, stream_id=1, headers=GET):
        """Have the client send a request and the server hand it out."""
        self.request(stream_id, headers)
        [request] = self.tell()
        self.listen()
        return request

    def body(self, stream_id=1):
        """The octets of a response's body that have come."""
        return b"".join(event.data for event in self.events
                        if isinstance(event, h2.events.DataReceived) and event.stream_id == stream_id)

    def response(self, stream_id=1):
        """The fields of a response."""
        [event] = [event for event in self.events
                   if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream_id]
        return event.headers

    def ended(self, stream_id=1):
        """Whether a response has ended."""
        return any(isinstance(event, h2.events.StreamEnded) and event.stream_id == stream_id for event in self.events)

    def reset_code(self, stream_id=1):
        """The code of the server's RST_STREAM, or ``None``."""
        codes = [int(event.error_code) for event in self.events
                 if isinstance(event, h2.events.StreamReset) and event.stream_id == stream_id]
        assert len(codes) < 2
        return codes[0] if codes else None

    def goaways(self):
        """The server's GOAWAYs: error code and last stream."""
        return [(int(event.error_code), event.last_stream_id) for event in self.events
                if isinstance(event, h2.events.ConnectionTerminated)]


class SocketPair:
    """Two real sockets; the server's one behaves as `MemorySocket` does for ``writes``."""

    def __init__(self):
        self.server_end, self.client_end = socket.socketpair()
        self.writes = []

    def recv(self, size):
        return self.server_end.recv(size)

    def sendall(self, data):
        self.server_end.sendall(data)
        self.writes.append(bytes(data))

    def fileno(self):
        return self.server_end.fileno()

    def settimeout(self, seconds):
        self.server_end.settimeout(seconds)

    def gettimeout(self):
        return self.server_end.gettimeout()

    def close(self):
        self.server_end.close()
        self.client_end.close()
