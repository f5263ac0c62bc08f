"""Every public method of h2's connection, in every state, with good and bad arguments, on h2 and on fasth2."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import h2.config
import h2.connection
import hpack

import fasth2.config
import fasth2.connection
from tests.support import frames
from tests.support.describe import describe_all
from tests.support.frames import PREFACE, Frame, FrameReader, Sent

LIBRARIES = {
    "h2": (h2.connection.H2Connection, h2.config.H2Configuration),
    "fasth2": (fasth2.connection.H2Connection, fasth2.config.H2Configuration),
}
REQUEST = [(":method", "POST"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")]
GET = [(":method", "GET"), *REQUEST[1:]]
RESPONSE = [(":status", "200"), ("x-n", "1")]
INTERIM = [(":status", "103"), ("link", "</a>")]
TRAILERS = [("x-sum", "1")]

Step = Callable[[Any], object]


def receive(*sent: Frame | bytes) -> Step:
    """The peer's octets."""
    octets = b"".join(map(bytes, sent))
    return lambda connection: connection.receive_data(octets)


def call(name: str, *arguments: Any, **keywords: Any) -> Step:
    """A call that both take."""
    return lambda connection: getattr(connection, name)(*arguments, **keywords)


def fields(*lists: list[tuple[str, str]]) -> list[bytes]:
    """The blocks of one encoder."""
    encoder = hpack.Encoder()
    return [encoder.encode(one) for one in lists]


def tried(step: Step) -> Step:
    """A step that both refuse."""
    def attempt(connection: Any) -> None:
        try:
            step(connection)
        except Exception:
            connection.data_to_send()
    return attempt


[_POST] = fields(REQUEST)
[_GET] = fields(GET)
[_RESPONSE] = fields(RESPONSE)
_PROMISE, _PUSHED = fields(GET, RESPONSE)

_SERVER = [call("initiate_connection"), receive(PREFACE, frames.settings(), frames.settings_ack())]
_OPEN = [*_SERVER, receive(frames.headers(1, _POST))]
_ENDED = [*_SERVER, receive(frames.headers(1, _GET, end_stream=True))]
_CLIENT = [call("initiate_connection"), receive(frames.settings(), frames.settings_ack())]
_ASKED = [*_CLIENT, call("send_headers", 1, REQUEST)]
_SENT = [*_CLIENT, call("send_headers", 1, GET, end_stream=True)]

#: State -> how a server gets there.
SERVER_STATES: dict[str, list[Step]] = {
    "new": [],
    "begun": _SERVER,
    "open": _OPEN,
    "data received": [*_OPEN, receive(frames.data(1, b"x" * 2000))],
    "half-closed (remote)": _ENDED,
    "informed": [*_ENDED, call("send_headers", 1, INTERIM)],
    "answering": [*_OPEN, call("send_headers", 1, RESPONSE)],
    "half-closed (local)": [*_OPEN, call("send_headers", 1, RESPONSE, end_stream=True)],
    "closed": [*_ENDED, call("send_headers", 1, RESPONSE, end_stream=True)],
    "reset": [*_OPEN, call("reset_stream", 1, 8)],
    "reset by the peer": [*_OPEN, receive(frames.rst_stream(1))],
    "promised": [*_ENDED, call("push_stream", 1, 2, GET)],
    "pushing": [*_ENDED, call("push_stream", 1, 2, GET), call("send_headers", 2, RESPONSE)],
    "no window": [*_OPEN, call("send_headers", 1, RESPONSE), receive(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))],
    "no pushes": [*_OPEN, receive(frames.settings((frames.ENABLE_PUSH, 0)))],
    "goaway sent": [*_OPEN, call("close_connection")],
    "goaway received": [*_OPEN, receive(frames.goaway())],
    "failed": [*_OPEN, tried(receive(frames.data(1, b"").body(b"x").pad(9, 0)))],
    "upgraded": [call("initiate_upgrade_connection", b"AAMAAABkAAQAAP__")],
}

#: The same of a client.
CLIENT_STATES: dict[str, list[Step]] = {
    "new": [],
    "begun": _CLIENT,
    "open": _ASKED,
    "half-closed (local)": _SENT,
    "answered": [*_ASKED, receive(frames.headers(1, _RESPONSE))],
    "data received": [*_ASKED, receive(frames.headers(1, _RESPONSE), frames.data(1, b"x" * 2000))],
    "half-closed (remote)": [*_ASKED, receive(frames.headers(1, _RESPONSE, end_stream=True))],
    "closed": [*_SENT, receive(frames.headers(1, _RESPONSE, end_stream=True))],
    "reset": [*_ASKED, call("reset_stream", 1, 8)],
    "reset by the peer": [*_ASKED, receive(frames.rst_stream(1))],
    "promised": [*_SENT, receive(frames.push_promise(1, 2, _PROMISE))],
    "pushed": [*_SENT, receive(frames.push_promise(1, 2, _PROMISE), frames.headers(2, _PUSHED))],
    "full": [*_CLIENT, receive(frames.settings((frames.MAX_CONCURRENT_STREAMS, 1))), call("send_headers", 1, REQUEST)],
    "no window": [*_ASKED, receive(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))],
    "goaway sent": [*_ASKED, call("close_connection")],
    "goaway received": [*_ASKED, receive(frames.goaway())],
    "failed": [*_ASKED, tried(receive(frames.data(1, b"").body(b"x").pad(9, 0)))],
    "upgraded": [call("initiate_upgrade_connection")],
}

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def on_streams(*rest: Any, **keywords: Any) -> list[Arguments]:
    """The same arguments for a stream of the peer's and one of ours, for ones not opened, for 0 and for what is no stream."""
    return [((stream_id, *rest), keywords) for stream_id in (1, 2, 3, 4, 0, -1, 2**31 - 1, 2**31, 2**32, None, "1", b"1", 1.0)]


def of(*arguments: Any, **keywords: Any) -> Arguments:
    return (arguments, keywords)


#: Method -> what it is called with.
CALLS: dict[str, list[Arguments]] = {
    "acknowledge_received_data": [
        *[((size, stream_id), {}) for stream_id in (1, 2, 3, 4, 0, -1, 2**31, None, "1") for size in (0, 1, 2000)],
        *[of(size, 1) for size in (-1, 2**31, 70000, None, "1", b"1", 1.5)],
    ],
    "advertise_alternative_service": [
        of(b'h2=":1"', b"https://example.com"), of(b'h2=":1"', stream_id=1), of(b'h2=":1"', stream_id=2),
        of(b'h2=":1"', stream_id=3), of(b'h2=":1"', stream_id=4), of(b'h2=":1"', stream_id=0), of(b'h2=":1"'),
        of(b'h2=":1"', b"", 1), of(b'h2=":1"', b"o", 1), of('h2=":1"', b"o"), of(None, b"o"), of(b"", b"o"), of(b"v", b""),
        of(b"v", "o"), of(b"v", b"o" * 65536), of(b"v" * 20000, b"o"), of(bytearray(b"v"), b"o"), of(b"v", stream_id="1"),
    ],
    "clear_outbound_data_buffer": [of()],
    "close_connection": [
        of(), of(1), of(2**32 - 1), of(2**32), of(-1), of(0, b"why"), of(0, b""), of(0, "why"), of(0, b"x" * 20000), of(0, None, 0),
        of(0, None, 1), of(0, None, 2**31 - 1), of(0, None, 2**31), of(0, None, -1), of(None), of("1"), of(last_stream_id="1"),
        of(error_code=99, additional_data=b"d", last_stream_id=3),
    ],
    "data_to_send": [of(), of(0), of(5), of(10**6), of(None), of("1"), of(1.5), of(amount=3)],
    "end_stream": on_streams(),
    "get_next_available_stream_id": [of()],
    "increment_flow_control_window": [
        *[of(increment) for increment in (1, 0, -1, 2**31 - 1, 2**31, 2**31 - 65536, None, "1", b"1")],
        *[of(increment, stream_id) for increment in (1, 0, 2**31 - 1) for stream_id in (1, 2, 3, 4, 0, -1, 2**31, "1")],
    ],
    "initiate_connection": [of()],
    "initiate_upgrade_connection": [
        of(), of(b""), of(None), of(b"AAMAAABkAAQAAP__"), of("AAMAAABkAAQAAP__"), of(b"AAMAAABk"), of(b"AAQ="), of(b"AAIAAAAC"),
        of(b"AASAAAAA"), of(b"!"), of(5),
    ],
    "local_flow_control_window": on_streams(),
    "ping": [of(b"12345678"), of(b""), of(b"1234567"), of(b"123456789"), of("12345678"), of(None), of(bytearray(8)),
             of(memoryview(b"12345678"))],
    "prioritize": [
        *on_streams(16, 0, False), of(1), of(1, 1), of(1, 256), of(1, 0), of(1, 257), of(1, -1), of(1, 16, 1), of(1, 16, 3, True),
        of(3, depends_on=1), of(1, exclusive=True), of(1, exclusive=False), of(1, 16, -1), of(1, 16, 2**31), of(1, "16"), of(1, 16, "0"),
    ],
    "push_stream": [
        *[of(stream_id, promised, GET) for stream_id in (1, 2, 3, 4, 0, -1, None, "1") for promised in (2, 4, 1, 3, 0)],
        *[of(1, promised, GET) for promised in (-2, 2**31, 2**31 - 2, None, "2")],
        of(1, 2, []), of(1, 2, RESPONSE), of(1, 2, None), of(1, 2, [("a",)]), of(1, 2, [(":method", "GET")]), of(1, 2, TRAILERS),
        of(1, 2, [*GET, ("X-Upper", " padded ")]), of(1, 2, dict(GET)), of(1, 2, iter(GET)),
    ],
    "remote_flow_control_window": on_streams(),
    "reset_stream": [*on_streams(), *[of(1, code) for code in (1, 8, 99, 2**32 - 1, 2**32, -1, None, "8")]],
    "send_data": [
        *on_streams(b"data"), *on_streams(b""), *on_streams(b"", end_stream=True),
        of(1, b"data", True), of(1, bytearray(b"data")), of(1, memoryview(b"data")), of(1, "data"), of(1, None), of(1, 5), of(1, []),
        of(1, b"x" * 16384), of(1, b"x" * 16385), of(1, b"x" * 65535), of(1, b"x" * 65536),
        *[of(1, b"data", pad_length=length) for length in (0, 1, 255, 256, -1, None, "1", 1.0, True)],
        of(1, b"", pad_length=0), of(1, b"", True, 10), of(1, b"x" * 16384, pad_length=0), of(1, b"x" * 16129, pad_length=254),
        of(1, b"x" * 16128, pad_length=255), of(1, b"x" * 16129, pad_length=255), of(1, b"data", end_stream=1),
    ],
    "send_headers": [
        *on_streams(REQUEST), *on_streams(RESPONSE), *on_streams(GET, end_stream=True), *on_streams(RESPONSE, end_stream=True),
        *on_streams(TRAILERS, end_stream=True), of(1, TRAILERS), of(3, TRAILERS), of(1, INTERIM), of(1, INTERIM, True), of(1, []),
        of(1, None), of(1, [("a",)]), of(1, 5), of(1, dict(RESPONSE)), of(3, dict(GET)), of(1, iter(RESPONSE)), of(3, iter(GET)),
        of(1, [*TRAILERS, (":status", "200")], True), of(1, [("x-n", "1"), (":status", "200")]),
        of(1, [(":status", "200"), ("te", "gzip")]),
        of(1, [(":status", "200"), ("connection", "close")]), of(1, [(":status", 200)]), of(1, [(":status", "200"), ("n", 5)]),
        of(1, [(b":status", b"200"), (b"x", b"\xff")]), of(1, [(":status", "200"), ("content-length", "5")]),
        of(1, [(":status", "200"), ("X-Upper", " padded ")]), of(1, RESPONSE * 2), of(1, [(":status", "200"), (":path", "/")]),
        of(3, GET[:3]), of(3, GET * 2), of(3, [*GET, ("host", "other")]), of(3, [*GET, ("te", "gzip")]), of(3, [*GET, ("Host", "a")]),
        of(3, [("accept", "*/*"), *GET]), of(3, [(":method", "CONNECT"), (":authority", "a:1")]), of(3, GET, priority_weight=10),
        of(3, GET, priority_weight=0), of(3, GET, priority_weight=257), of(3, GET, priority_depends_on=3),
        of(3, GET, True, 1, 1, True), of(3, GET, priority_exclusive=False), of(1, RESPONSE, priority_weight=10), of(5, GET), of(3, GET, 1),
        of(3, GET, priority_weight="1"),
    ],
    "update_settings": [
        of({}), of({1: 0}), of({1: 2**32 - 1}), of({1: 2**32}), of({1: -1}), of({2: 0}), of({2: 1}), of({2: 2}), of({3: 0}), of({3: -1}),
        of({4: 0}), of({4: 2**31 - 1}), of({4: 2**31}), of({4: -1}), of({5: 16384}), of({5: 16383}), of({5: 2**24 - 1}), of({5: 2**24}),
        of({6: 0}), of({6: -1}), of({8: 0}), of({8: 1}), of({8: 2}), of({99: 5}), of({65535: 1}), of({65536: 1}), of({0: 1}), of({-1: 1}),
        of({3: 1, 4: 2, 5: 20000}), of({3: 1, 5: 1}), of(None), of({"3": 1}), of({3: "1"}), of({3: None}), of({3: 1.5}),
        of(5),
    ],
    "receive_data": [of(b""), of(None), of("data"), of(5), of(bytearray()), of(memoryview(b""))],
}


@dataclass(frozen=True)
class Case:
    """One call in one state."""

    client_side: bool
    state: str
    method: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def __str__(self) -> str:
        parts = [f"{one!r:.40}" for one in self.arguments] + [f"{name}={one!r:.40}" for name, one in self.keywords.items()]
        return f"{'client' if self.client_side else 'server'}, {self.state}: {self.method}({', '.join(parts)})"


@dataclass
class Outcome:
    """What a call did."""

    error: BaseException | None
    result: Any
    sent: list[Sent] | str
    state: dict[str, Any]

    @property
    def raised(self) -> str:
        return "" if self.error is None else type(self.error).__name__


def cases() -> Iterator[Case]:
    """Every method with every argument in every state of both sides."""
    for client_side, states in ((False, SERVER_STATES), (True, CLIENT_STATES)):
        for state in states:
            for method, calls in CALLS.items():
                for arguments, keywords in calls:
                    yield Case(client_side, state, method, arguments, keywords)


def state_of(connection: Any) -> dict[str, Any]:
    """What the public API shows."""
    alive = sorted(stream_id for stream_id, stream in connection.streams.items() if not stream.closed)
    return {
        "streams": [(one, int(connection.streams[one].state_machine.state)) for one in alive],
        "connection": connection.state_machine.state.name,
        "inbound window": connection.inbound_flow_control_window,
        "outbound window": connection.outbound_flow_control_window,
        "highest": (connection.highest_inbound_stream_id, connection.highest_outbound_stream_id),
        "open": (connection.open_inbound_streams, connection.open_outbound_streams),
        "frame sizes": (connection.max_outbound_frame_size, connection.max_inbound_frame_size),
        "settings": [sorted((int(code), one.get(code)) for code in one)
                     for one in (connection.local_settings, connection.remote_settings)],
        "windows": [(one, connection.local_flow_control_window(one), connection.remote_flow_control_window(one)) for one in alive],
    }


def fresh(argument: Any) -> Any:
    """An iterator is used up by one library."""
    return iter(GET if "GET" in repr(argument.__reduce__()) else RESPONSE) if type(argument).__name__ == "list_iterator" else argument


def outcome(library: str, case: Case) -> Outcome:
    """Brings a connection into the state and makes the call."""
    connection_class, configuration = LIBRARIES[library]
    connection = connection_class(configuration(client_side=case.client_side))
    reader = FrameReader(2**24, 2**32)
    for step in (CLIENT_STATES if case.client_side else SERVER_STATES)[case.state]:
        step(connection)
        _read(reader, connection, case.client_side)
    before = state_of(connection)
    error = result = None
    try:
        result = getattr(connection, case.method)(*map(fresh, case.arguments), **case.keywords)
    except Exception as raised:
        error = raised
    if isinstance(result, list):
        result = describe_all(result)
    sent = _read(reader, connection, case.client_side)
    return Outcome(error, result, sent, before if error is not None and library == "h2" else state_of(connection))


def _read(reader: FrameReader, connection: Any, client_side: bool) -> list[Sent] | str:
    octets = connection.data_to_send()
    try:
        return reader.read(octets)
    except Exception as error:
        return f"{type(error).__name__} in {octets[:60]!r}"
