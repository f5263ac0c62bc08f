"""A client's conversation as a list of actions: hypothesis draws it, h2's client side speaks it."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import h2.config
import h2.connection
import h2.exceptions
import hpack
from h2.stream import StreamState
from hypothesis import strategies as st

from .pair import Pair

METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT"]
FIELDS = [
    ("accept", "*/*"), ("user-agent", "oracle/1.0"), ("x-empty", ""), ("accept-encoding", "gzip, deflate"),
    ("x-long", "v" * 300), ("x-octets", b"\x80\xff tail"), ("te", "trailers"), ("authorization", "Basic c2VjcmV0"),
    ("cookie", "a=b"), ("cookie", "session=0123456789abcdef0123456789"), ("cookie", "c=d; e=f"), ("x-n", "1"), ("x-n", "2"),
    ("priority", "u=2, i"), ("content-type", "text/plain"), ("x-huge", "h" * 9000),
]
SIZES = [0, 1, 7, 100, 1000, 4096, 16384]
WINDOWS = [0, 1, 10, 1000, 65535, 2**20, 2**31 - 1]
CODES = [0, 1, 2, 5, 8, 11, 13, 99, 2**32 - 1]

numbers = st.integers(0, 2**16)
fields = st.lists(st.sampled_from(FIELDS), max_size=8)
priorities = st.one_of(st.none(), st.tuples(st.integers(1, 256), numbers, st.booleans()))


@dataclass(frozen=True)
class Action:
    """One thing that the client or the server does."""

    who: str
    what: str
    a: Any = None
    b: Any = None
    c: Any = None


def _of(who: str, what: str, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Action]:
    return st.tuples(*parts).map(lambda values: Action(who, what, *values))


requests = _of("client", "request", fields, st.tuples(st.sampled_from(METHODS), st.booleans(), numbers), priorities)

client_data = _of("client", "data", numbers, st.sampled_from(SIZES),
                  st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 255))))

client_actions = st.one_of(
    requests,
    requests,
    requests,
    client_data,
    client_data,
    client_data,
    _of("client", "data", numbers, st.sampled_from(SIZES), st.just((False, None))),
    _of("client", "trailers", numbers, fields),
    _of("client", "reset", numbers, st.sampled_from(CODES)),
    _of("client", "ping", st.binary(min_size=8, max_size=8)),
    _of("client", "settings", st.dictionaries(st.sampled_from([1, 2, 3, 4, 5, 6]), numbers, max_size=4)),
    _of("client", "window", numbers, st.sampled_from(WINDOWS[1:])),
    _of("client", "prioritize", numbers, st.integers(1, 256), st.tuples(numbers, st.booleans())),
    _of("client", "acknowledge", numbers),
    _of("client", "deliver"),
)

#: Header lists that an application might get wrong, or write in another way.
ODD_LISTS = [
    [], [("connection", "close")], [("x", "no status")], [(":status", "200"), ("X-Upper", "v")], [(":status", "200"), ("x", " padded ")],
    [(":status", "200"), (" x ", "v")], [(b":status", b"200"), (b"x", b"octets \xff")], [(":status", "200"), ("x", "\u20ac")],
    [(":status", "200"), ("connection", "close"), ("x", "kept")], [(":status", "200"), ("te", "trailers")],
    [(":status", "200"), ("te", "gzip")], [(":status", "200"), (":status", "200")], [("x", "1"), (":status", "200")],
    [(":status", "200"), (":path", "/")], [(":status", "200"), (":other", "x")], [(":status", "200"), ("transfer-encoding", "x")],
    [(":status", "200"), hpack.NeverIndexedHeaderTuple("x", "never")], [hpack.HeaderTuple(":status", "200")],
    [(":status", "200"), ("cookie", "short"), ("cookie", "a" * 30), ("authorization", "x"), ("proxy-authorization", "y")],
    [(":status", "101")], [(":status", "100"), ("x", "1")], [(":status", "200"), ("content-length", "nonsense")],
    [(":status", "200"), ("x", "")], [(":status", "200"), ("host", "a"), ("host", "b")], [(":status", "200"), ("cookie", "a=b; c=d")],
    [(":status", "200"), ("x", "a\r\nb")], [(":status", "200"), ("x", "a\0b")], [(":status", "200"), ("x y", "a")],
    [(":status", "200"), ("x:y", "a")], [(":status", "200"), ("", "a")], [(":status", "99")], [(":status", "2000")],
    [(":status", "abc")], [(":status", "200"), ("x\u00e9", "a")], [(":status ", "200")], [(":Status", "200")],
]

STATUSES = ["200", "404", "204", "304", "500"]

server_headers = _of("server", "headers", numbers, st.tuples(st.sampled_from(STATUSES), fields), st.booleans())
server_data = _of("server", "data", numbers, st.sampled_from(SIZES), st.tuples(st.booleans(), st.none()))
server_acknowledge = _of("server", "acknowledge", numbers, st.sampled_from([0, 1, 100, 5000, 16384, 40000]))

server_actions = st.one_of(
    server_headers,
    server_headers,
    _of("server", "headers", numbers, st.tuples(st.sampled_from(["100", "103"]), fields), st.booleans()),
    _of("server", "odd_headers", numbers, st.sampled_from(ODD_LISTS), st.booleans()),
    server_data,
    server_data,
    _of("server", "data", numbers, st.sampled_from([*SIZES, 17000, 70000]),
        st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 255)))),
    _of("server", "end_stream", numbers),
    _of("server", "trailers", numbers, fields, st.booleans()),
    _of("server", "reset", numbers, st.sampled_from(CODES)),
    server_acknowledge,
    server_acknowledge,
    _of("server", "increment", numbers, st.sampled_from([0, 1, 1000, 2**20, 2**31 - 1, 2**31])),
    _of("server", "increment", numbers, st.sampled_from([1, 1000])),
    _of("server", "ping", st.binary(min_size=7, max_size=8)),
    _of("server", "settings", st.dictionaries(st.sampled_from([1, 3, 4, 5, 6, 8]), numbers, max_size=3)),
    _of("server", "altsvc", numbers, st.booleans()),
    _of("server", "next_id"),
    _of("server", "push", numbers, numbers, fields),
)

endings = st.lists(st.one_of(
    _of("client", "goaway", st.sampled_from(CODES), st.binary(max_size=20)),
    _of("server", "close", st.sampled_from(CODES), st.one_of(st.none(), st.binary(max_size=10))),
    client_actions,
    server_actions,
), max_size=4)


def long_and_short(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Lists of steps; left alone, hypothesis makes them about five long."""
    return st.one_of(st.lists(steps, max_size=10), st.lists(steps, min_size=15, max_size=30),
                     st.lists(steps, min_size=25, max_size=45))


#: A request, then anything, and sometimes an end.
conversations = st.tuples(requests, long_and_short(st.one_of(client_actions, server_actions)), endings).map(
    lambda parts: [parts[0], *parts[1], *parts[2]])

#: Configurations that both libraries have; the plain one most often.
configurations = st.one_of(st.just({}), st.just({}), st.sampled_from([
    {"header_encoding": "utf-8"}, {"header_encoding": "latin-1"}, {"header_encoding": False},
    {"validate_inbound_headers": False}, {"normalize_inbound_headers": False}, {"split_outbound_cookies": True},
    {"validate_outbound_headers": False}, {"normalize_outbound_headers": False},
    {"validate_outbound_headers": False, "normalize_outbound_headers": False},
    {"validate_inbound_headers": False, "normalize_inbound_headers": False},
]))

_SETTING_VALUES = {
    1: [0, 64, 200, 4096, 8192, 65536],
    2: [0, 1],
    3: [0, 1, 100, 2**32 - 1],
    4: [0, 1, 100, 65535, 2**20, 2**31 - 1],
    5: [16384, 20000, 2**24 - 1],
    6: [0, 100, 65536],
    8: [0, 1],
}


def setting_values(drawn: dict[int, int]) -> dict[int, int]:
    """Settings with values that are legal or nearly so."""
    return {code: _SETTING_VALUES[code][number % len(_SETTING_VALUES[code])] for code, number in drawn.items()}


CAN_SEND = (StreamState.OPEN, StreamState.HALF_CLOSED_REMOTE)


class Conversation:
    """Carries out actions: the client speaks through h2's client side, the server's calls go to the pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=False))
        self.client.initiate_connection()
        self.opened: list[int] = []
        self.received: dict[int, int] = {}
        self._first = True

    def play(self, actions: list[Action]) -> None:
        """Carries out the actions until the comparison is over."""
        for action in actions:
            if self.pair.over:
                return
            try:
                getattr(self, f"{action.who}_{action.what}")(action)
            except h2.exceptions.H2Error:
                # The client's own library refuses: no octets, nothing to compare.
                pass
            except AssertionError as error:
                # h2 asserts that priority fields leave room in a full frame; the octets are written all the same.
                if type(error) is not AssertionError:
                    raise
            if action.who == "server":
                self.to_client()
            elif action.what != "goaway" or action.a is not None:
                self.deliver()
        self.deliver()

    def deliver(self) -> None:
        """Hands the client's octets to the servers and their answer back."""
        octets = self.client.data_to_send()
        if self._first and octets:
            octets = octets[24:]
            self._first = False
        self.pair.receive(octets)
        self.to_client()

    def to_client(self) -> None:
        """Lets the client read what h2's server has sent."""
        octets, self.pair.to_peer = self.pair.to_peer, b""
        try:
            self.client.receive_data(octets)
        except h2.exceptions.H2Error:
            self.pair.over = True

    def stream(self, number: int, sending: Any = None) -> int:
        """A stream: one that can still be used for the purpose, one that was opened, or one that is not there.

        Args:
            number: what was drawn.
            sending: the connection that wants to send; None for any stream opened so far.
        """
        if not self.opened or number % 23 == 22:
            return (2, 4, 99, 1001)[number % 4]
        usable = self.opened
        if sending is not None and number % 8:
            usable = [stream_id for stream_id, stream in sending.streams.items()
                      if stream.state_machine.state in CAN_SEND] or self.opened
        return usable[-1 - number % min(len(usable), 6)]

    # The client's side

    def client_request(self, action: Action) -> None:
        method, ends, number = action.b
        stream_id = self.client.get_next_available_stream_id()
        headers = [(":method", method), (":scheme", "https"), (":authority", "example.com"),
                   (":path", f"/{number % 50}"), *action.a]
        if number % 7 == 0 and not ends:
            headers.append(("content-length", str(SIZES[number % len(SIZES)])))
        priority = {}
        if action.c is not None:
            weight, depends_on, exclusive = action.c
            priority = {"priority_weight": weight, "priority_depends_on": depends_on % 64 * 2,
                        "priority_exclusive": exclusive}
        self.client.send_headers(stream_id, headers, end_stream=ends, **priority)
        self.opened.append(stream_id)

    def client_data(self, action: Action) -> None:
        stream_id = self.stream(action.a, self.client)
        ends, padding = action.c
        room = self.client.local_flow_control_window(stream_id) - (0 if padding is None else padding + 1)
        size = min(action.b, max(room, 0), self.client.max_outbound_frame_size - 256)
        if room < 0:
            return
        self.client.send_data(stream_id, bytes([size % 256]) * size, end_stream=ends, pad_length=padding)

    def client_trailers(self, action: Action) -> None:
        self.client.send_headers(self.stream(action.a, self.client), [field for field in action.b if field[0] != "te"] or [("x", "y")],
                                 end_stream=True)

    def client_reset(self, action: Action) -> None:
        self.client.reset_stream(self.stream(action.a), action.b)

    def client_ping(self, action: Action) -> None:
        self.client.ping(action.a)

    def client_settings(self, action: Action) -> None:
        self.client.update_settings(setting_values(action.a))

    def client_window(self, action: Action) -> None:
        stream_id = None if action.a % 3 == 0 else self.stream(action.a)
        if stream_id is not None and stream_id not in self.client.streams:
            return
        self.client.increment_flow_control_window(action.b, stream_id)

    def client_prioritize(self, action: Action) -> None:
        depends_on, exclusive = action.c
        self.client.prioritize(self.stream(action.a), action.b, depends_on % 100 * 2, exclusive)

    def client_acknowledge(self, action: Action) -> None:
        self.client.acknowledge_received_data(action.a, self.stream(action.a))

    def client_goaway(self, action: Action) -> None:
        self.client.close_connection(action.a, action.b)

    def client_deliver(self, action: Action) -> None:
        """Nothing but the delivery that follows every action."""

    # The server's side

    def server_headers(self, action: Action) -> None:
        status, extra = action.b
        self.pair.call("send_headers", self.stream(action.a, self.pair.h2), [(":status", status), *extra], end_stream=action.c)

    def server_odd_headers(self, action: Action) -> None:
        self.pair.call("send_headers", self.stream(action.a, self.pair.h2), list(action.b), end_stream=action.c)

    def server_data(self, action: Action) -> None:
        ends, padding = action.c
        self.pair.call("send_data", self.stream(action.a, self.pair.h2), b"d" * action.b, end_stream=ends, pad_length=padding)

    def server_end_stream(self, action: Action) -> None:
        self.pair.call("end_stream", self.stream(action.a, self.pair.h2))

    def server_trailers(self, action: Action) -> None:
        self.pair.call("send_headers", self.stream(action.a, self.pair.h2), action.b or [("x-sum", "1")], end_stream=action.c)

    def server_reset(self, action: Action) -> None:
        self.pair.call("reset_stream", self.stream(action.a), action.b)

    def server_acknowledge(self, action: Action) -> None:
        self.pair.call("acknowledge_received_data", action.b, self.stream(action.a))

    def server_increment(self, action: Action) -> None:
        self.pair.call("increment_flow_control_window", action.b,
                       None if action.a % 3 == 0 else self.stream(action.a))

    def server_ping(self, action: Action) -> None:
        self.pair.call("ping", action.a)

    def server_settings(self, action: Action) -> None:
        self.pair.call("update_settings", setting_values(action.a))

    def server_altsvc(self, action: Action) -> None:
        if action.b:
            self.pair.call("advertise_alternative_service", b'h2=":1"', origin=b"https://example.com")
        else:
            self.pair.call("advertise_alternative_service", b'h2=":1"', stream_id=self.stream(action.a))

    def server_close(self, action: Action) -> None:
        self.pair.call("close_connection", action.a, action.b)

    def server_push(self, action: Action) -> None:
        following = self.pair.h2.highest_outbound_stream_id + 2
        promised = (following, following, following, following + 10, 2, 100001)[action.b % 6]
        side = self.pair.call("push_stream", self.stream(action.a, self.pair.h2), promised, [
            (":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/pushed"),
            *(field for field in action.c if field[0] != "x-huge")])  # h2 makes such frames four octets too long
        if side is not None and side.error is None:
            self.opened.append(promised)

    def server_next_id(self, action: Action) -> None:
        self.pair.call("get_next_available_stream_id")


def converse(actions: list[Action], seed: int, **options: Any) -> Pair:
    """Plays one conversation and returns the pair for a look at what was seen."""
    pair = Pair(random.Random(seed), **options)
    Conversation(pair).play(actions)
    return pair
