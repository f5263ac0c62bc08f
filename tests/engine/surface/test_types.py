"""A client, a server and a proxy that are written against fasth2's types pass mypy --strict, and work."""
from __future__ import annotations

import re

import pytest

from tests.support.strict import lines_with_errors, mypy

CLIENT = '''
from __future__ import annotations

from fasth2.config import H2Configuration
from fasth2.connection import ConnectionState, H2Connection
from fasth2.errors import ErrorCodes
from fasth2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from fasth2.exceptions import NoAvailableStreamIDError, ProtocolError
from fasth2.settings import SettingCodes
from fasth2.stream import StreamState


class Client:
    """One request at a time; queued uploads follow the windows."""

    def __init__(self) -> None:
        self.connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.connection.update_settings({SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
        self.connection.increment_flow_control_window(2**20)
        self.status = 0
        self.body = bytearray()
        self.trailers: list[tuple[str | bytes, str | bytes]] = []
        self.upload = b""
        self.stream_id: int | None = None
        self.ended = False

    def ask(self, path: str, upload: bytes) -> int:
        try:
            self.stream_id = stream_id = self.connection.get_next_available_stream_id()
        except NoAvailableStreamIDError:
            raise ConnectionError from None
        self.upload = upload
        self.connection.send_headers(
            stream_id, [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", path)],
            priority_weight=255, priority_exclusive=False)
        self.connection.prioritize(stream_id, weight=16, depends_on=0)
        self.send(stream_id)
        return stream_id

    def send(self, stream_id: int) -> None:
        room: int = min(self.connection.local_flow_control_window(stream_id), self.connection.max_outbound_frame_size)
        part, self.upload = self.upload[:room], self.upload[room:]
        self.connection.send_data(stream_id, memoryview(part), end_stream=not self.upload)

    def feed(self, data: bytes | bytearray) -> bytes:
        events: list[Event]
        try:
            events = self.connection.receive_data(data)
        except ProtocolError as error:
            code: ErrorCodes | int = error.error_code
            raise ConnectionError(str(code)) from error
        for event in events:
            self.act(event)
        if self.connection.state_machine.state is ConnectionState.CLOSED:
            self.ended = True
        return self.connection.data_to_send()

    def act(self, event: Event) -> None:
        if isinstance(event, (ResponseReceived, InformationalResponseReceived)):
            for name, value in event.headers:
                if name == ":status":
                    self.status = int(value)
        elif isinstance(event, DataReceived):
            self.body += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            self.trailers = [(name, value) for name, value in event.headers]
        elif isinstance(event, StreamEnded):
            self.ended = True
        elif isinstance(event, StreamReset):
            raise ConnectionResetError(int(event.error_code), event.remote_reset)
        elif isinstance(event, WindowUpdated) and self.upload and self.stream_id is not None:
            self.send(self.stream_id)
        elif isinstance(event, ConnectionTerminated):
            last: int | None = event.last_stream_id
            raise ConnectionError(f"{event.error_code} {last} {event.additional_data!r}")

    def states(self) -> dict[int, StreamState]:
        return {number: stream.state_machine.state for number, stream in self.connection.streams.items()}
'''

SERVER = '''
from __future__ import annotations

from collections.abc import Mapping

from fasth2.config import AdaptiveWindows, DummyLogger, H2Configuration, WindowBudget
from fasth2.connection import H2Connection
from fasth2.events import DataReceived, RemoteSettingsChanged, RequestReceived, StreamEnded
from fasth2.limits import Limits
from fasth2.ready import DATA, REQUEST, TRAILERS
from fasth2.settings import SettingCodes, Settings


class Log(DummyLogger):
    def debug(self, *vargs: object, **kwargs: object) -> None:
        print(*vargs)


class Counted(H2Connection):
    sent = 0

    def __init__(self, config: H2Configuration | None = None) -> None:
        super().__init__(config)
        self.local_settings = Settings(client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: 50})

    def send_data(
        self, stream_id: int, data: bytes, end_stream: bool = False, pad_length: int | None = None  # type: ignore[override]
    ) -> None:
        self.sent += len(data)
        super().send_data(stream_id, data, end_stream, pad_length)


class Server:
    """Echoes with h2's calls or with one call for each step."""

    def __init__(self, one_call: bool) -> None:
        windows = AdaptiveWindows(stream=2**20, connection=2**21, budget=WindowBudget(2**22))
        self.connection = Counted(H2Configuration(
            client_side=False, rfc_errors=True, limits=Limits(reset_burst=50, header_fields=None), adaptive_windows=windows))
        self.connection.initiate_connection()
        self.one_call = one_call
        self.bodies: dict[int, list[bytes]] = {}

    def feed(self, data: bytes) -> bytes:
        if self.one_call:
            for item in self.connection.ready_requests(data):
                if item.kind == REQUEST:
                    self.bodies[item.stream_id] = []
                elif item.kind == DATA:
                    self.bodies[item.stream_id].append(item.data)
                    self.connection.consume(item.stream_id, item.flow_controlled_length)
                if item.kind == TRAILERS or ((item.kind == REQUEST or item.kind == DATA) and item.end_stream):
                    body = b"".join(self.bodies.pop(item.stream_id))
                    there: bool = self.connection.respond(
                        item.stream_id, 200, [("content-length", str(len(body)))], body, trailers=[("x-end", "yes")])
                    left: int = self.connection.unsent(item.stream_id) if there else 0
                    assert left >= 0
            return self.connection.pull(65536)
        for event in self.connection.receive_data(data):
            if isinstance(event, RequestReceived):
                self.bodies[event.stream_id] = []
            elif isinstance(event, DataReceived):
                self.bodies[event.stream_id].append(event.data)
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                stream_id: int = event.stream_id
                self.connection.send_headers(stream_id, [(b":status", b"200")])
                self.connection.send_data(stream_id, b"".join(self.bodies.pop(stream_id)))
                self.connection.send_headers(stream_id, [("x-end", "yes")], end_stream=True)
            elif isinstance(event, RemoteSettingsChanged):
                changed: Mapping[SettingCodes | int, object] = event.changed_settings
                assert changed is not None
        return self.connection.data_to_send()

    def counters(self) -> dict[str, int]:
        return self.connection.counters
'''

PROXY = '''
from __future__ import annotations

from fasth2 import alias_status
from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.events import DataReceived, Event, RequestReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from fasth2.utilities import HeaderValidationFlags, normalize_outbound_headers


class Proxy:
    """Passes each stream from one connection to the other."""

    def __init__(self) -> None:
        self.front = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=False))
        self.back = H2Connection(H2Configuration(client_side=True, normalize_outbound_headers=False))
        for connection in (self.front, self.back):
            connection.initiate_connection()
        self.backward: dict[int, int] = {}
        self.forward: dict[int, int] = {}
        self.aliased: bool = bool(alias_status())

    def from_front(self, data: bytes) -> tuple[bytes, bytes]:
        for event in self.front.receive_data(data):
            if isinstance(event, RequestReceived):
                number = self.back.get_next_available_stream_id()
                self.forward[event.stream_id], self.backward[number] = number, event.stream_id
                headers = [(name, value) for name, value in event.headers if isinstance(name, bytes) and isinstance(value, bytes)]
                flags = HeaderValidationFlags(True, False, False, False)
                self.back.send_headers(number, list(normalize_outbound_headers(headers, flags)))
            else:
                self.move(event, self.front, self.back, self.forward)
        return self.front.data_to_send(), self.back.data_to_send()

    def from_back(self, data: bytes) -> tuple[bytes, bytes]:
        for event in self.back.receive_data(data):
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                ends = isinstance(event, TrailersReceived)
                self.front.send_headers(self.backward[event.stream_id], event.headers, end_stream=ends)
            else:
                self.move(event, self.back, self.front, self.backward)
        return self.front.data_to_send(), self.back.data_to_send()

    def move(self, event: Event, source: H2Connection, target: H2Connection, streams: dict[int, int]) -> None:
        if isinstance(event, DataReceived):
            target.send_data(streams[event.stream_id], event.data)
            source.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            if target is self.back:
                target.end_stream(streams[event.stream_id])
        elif isinstance(event, StreamReset):
            target.reset_stream(streams[event.stream_id], event.error_code)
'''

MISUSE = '''
from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.utilities import normalize_outbound_headers

connection = H2Connection(H2Configuration())
connection.send_headers("1", [])
connection.send_data(1, "text")
connection.send_headers(1, [("a", 5)])
connection.state_machine.state = 5
connection.highest_inbound_stream_id = "5"
connection.receive_data("text")
connection.update_settings({"a": 1})
connection.close_connection(additional_data="text")
H2Configuration(client_side="yes")
normalize_outbound_headers([("a", "b")], None)
'''


@pytest.mark.parametrize("program", [CLIENT, SERVER, PROXY], ids=["client", "server", "proxy"])
def test_a_program_passes(program, tmp_path):
    done = mypy(tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("one_call", [False, True])
def test_the_programs_work_together(one_call):
    made = {"__name__": "program"}
    for program in (CLIENT, SERVER, PROXY):
        exec(program, made)
    client, server, proxy = made["Client"](), made["Server"](one_call), made["Proxy"]()
    stream_id = client.ask("/", b"x" * 1000)
    assert client.states()[stream_id].name == "HALF_CLOSED_LOCAL"
    to_proxy, to_server = client.connection.data_to_send(), server.connection.data_to_send()
    while to_proxy or to_server:
        front, back = proxy.from_front(to_proxy)
        answer = server.feed(back)
        more, back = proxy.from_back(to_server + answer)
        to_server = server.feed(back)
        to_proxy = client.feed(front + more)
    assert (client.status, bytes(client.body), client.trailers) == (200, b"x" * 1000, [("x-end", "yes")])
    assert client.ended
    assert server.counters() == {}


def test_misuse_is_found(tmp_path):
    done = mypy(tmp_path, MISUSE)
    wrong = [number for number, line in enumerate(MISUSE.splitlines(), 1)
             if re.match(r"(connection\.|H2Conf|normalize)", line)]
    assert lines_with_errors(done) == wrong, done.stdout
