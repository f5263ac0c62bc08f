"""A server's conversation as a list of actions: hypothesis draws it, h2's server side speaks it to the clients."""
from __future__ import annotations

import random
from typing import Any

import h2.config
import h2.connection
import h2.exceptions
import hpack
from h2.stream import StreamState
from hypothesis import strategies as st

from .client import (
    CAN_SEND,
    CODES,
    METHODS,
    SIZES,
    STATUSES,
    WINDOWS,
    Action,
    _of,
    fields,
    long_and_short,
    numbers,
    priorities,
    setting_values,
)
from .pair import Pair

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")]

#: Requests that an application might get wrong, or write in another way.
ODD_LISTS = [
    [], GET[1:], GET[:1] + GET[2:], GET[:3], GET[:2] + GET[3:], [*GET, GET[0]], [("x", "1"), *GET], [*GET, (":status", "200")],
    [*GET, (":other", "x")], [(":method", "CONNECT"), (":authority", "a:443")], [(":method", "CONNECT"), *GET[1:]],
    [(":method", "CONNECT"), *GET[1:], (":protocol", "websocket")], [*GET, (":protocol", "websocket")],
    [*GET[:3], (":path", "")], [*GET, ("host", "example.com")], [*GET, ("host", "other")],
    [*GET, ("host", "example.com"), ("host", "example.com")], [*GET[:2], GET[3], ("host", "a")],
    [*GET, ("X-Upper", "v")], [*GET, ("x", " padded ")], [*GET, ("connection", "close")], [*GET, ("te", "gzip")],
    [*GET, ("cookie", "a=b; c=d"), ("cookie", "e")], [*GET, hpack.NeverIndexedHeaderTuple("x", "never")],
    [*GET, ("x", "a\r\nb")], [*GET, ("x y", "1")], [*GET, ("", "1")], [(name.encode(), value.encode()) for name, value in GET],
    [(":Method", "GET"), *GET[1:]], [*GET, ("authorization", "secret")], [*GET[:3], (":path", "/a b")],
]

requests = _of("client", "request", fields, st.tuples(st.sampled_from([*METHODS, "CONNECT"]), st.booleans(), numbers), priorities)
client_acknowledge = _of("client", "acknowledge", numbers, st.sampled_from([0, 1, 100, 5000, 16384, 40000]))

client_actions = st.one_of(
    requests,
    requests,
    requests,
    _of("client", "odd_request", numbers, st.sampled_from(ODD_LISTS), st.booleans()),
    _of("client", "data", numbers, st.sampled_from([*SIZES, 17000, 70000]),
        st.tuples(st.booleans(), st.one_of(st.none(), st.none(), st.integers(0, 255)))),
    _of("client", "data", numbers, st.sampled_from(SIZES), st.just((False, None))),
    _of("client", "trailers", numbers, fields, st.booleans()),
    _of("client", "end_stream", numbers),
    _of("client", "reset", numbers, st.sampled_from(CODES)),
    client_acknowledge,
    client_acknowledge,
    _of("client", "increment", numbers, st.sampled_from([0, 1, 1000, 2**20, 2**31 - 1, 2**31])),
    _of("client", "increment", numbers, st.sampled_from([1, 1000])),
    _of("client", "ping", st.binary(min_size=7, max_size=8)),
    _of("client", "settings", st.dictionaries(st.sampled_from([1, 2, 3, 4, 5, 6, 8]), numbers, max_size=3)),
    _of("client", "prioritize", numbers, st.one_of(st.none(), st.integers(0, 257)),
        st.tuples(st.one_of(st.none(), numbers), st.sampled_from([None, False, True]))),
    _of("client", "push", numbers),
    _of("client", "next_id"),
)

responses = _of("server", "headers", numbers, st.tuples(st.sampled_from(STATUSES), fields), st.booleans())

server_actions = st.one_of(
    responses,
    responses,
    responses,
    _of("server", "headers", numbers, st.tuples(st.sampled_from(["100", "103"]), fields), st.just(False)),
    _of("server", "data", numbers, st.sampled_from(SIZES), st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 255)))),
    _of("server", "data", numbers, st.sampled_from(SIZES), st.tuples(st.booleans(), st.none())),
    _of("server", "trailers", numbers, fields),
    _of("server", "reset", numbers, st.sampled_from(CODES)),
    _of("server", "ping", st.binary(min_size=8, max_size=8)),
    _of("server", "settings", st.dictionaries(st.sampled_from([1, 3, 4, 5, 6, 8]), numbers, max_size=4)),
    _of("server", "window", numbers, st.sampled_from(WINDOWS[1:])),
    _of("server", "acknowledge", numbers, st.sampled_from([1, 5000, 40000])),
    _of("server", "altsvc", numbers, st.booleans()),
    _of("server", "push", numbers, st.sampled_from(["GET", "GET", "HEAD", "POST"]), fields),
)

endings = st.lists(st.one_of(
    _of("server", "goaway", st.sampled_from(CODES), st.binary(max_size=20)),
    _of("client", "close", st.sampled_from(CODES), st.one_of(st.none(), st.binary(max_size=10))),
    client_actions,
    server_actions,
), max_size=4)

#: A request, then anything, and sometimes an end.
conversations = st.tuples(requests, long_and_short(st.one_of(client_actions, server_actions, server_actions)), endings).map(
    lambda parts: [parts[0], *parts[1], *parts[2]])


class ClientConversation:
    """Carries out actions: the server speaks through h2's server side, the client's calls go to the pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=False))
        self.server.initiate_connection()
        self.opened: list[int] = []

    def play(self, actions: list[Action]) -> None:
        """Carries out the actions until the comparison is over."""
        self.deliver()
        for action in actions:
            if self.pair.over:
                return
            try:
                getattr(self, f"{action.who}_{action.what}")(action)
            except h2.exceptions.H2Error:
                # The server's own library refuses: no octets, nothing to compare.
                pass
            self.deliver()

    def deliver(self) -> None:
        """Hands the clients' octets to the server, its octets to the clients, and their answer back."""
        self.to_server()
        self.pair.receive(self.server.data_to_send())
        self.to_server()

    def to_server(self) -> None:
        """Lets the server read what h2's client has sent."""
        octets, self.pair.to_peer = self.pair.to_peer, b""
        try:
            self.server.receive_data(octets)
        except h2.exceptions.H2Error:
            self.pair.over = True

    def stream(self, number: int, sending: Any = None) -> int:
        """A stream that can be used for the purpose, one that was opened, or one that is not there."""
        if not self.opened or number % 23 == 22:
            return (2, 4, 99, 1001)[number % 4]
        usable = self.opened
        if sending is not None and number % 8:
            states = (*CAN_SEND, StreamState.RESERVED_LOCAL)
            usable = [stream_id for stream_id, stream in sending.streams.items()
                      if stream.state_machine.state in states] or self.opened
        return usable[-1 - number % min(len(usable), 6)]

    # The client's side

    def client_request(self, action: Action) -> None:
        method, ends, number = action.b
        following = self.pair.h2.highest_outbound_stream_id + (2 if self.pair.h2.highest_outbound_stream_id else 1)
        stream_id = following
        if number % 19 == 18:
            stream_id = (following + 4, 2, max(following - 2, 1), 1, 0, 2**31 + 1)[number % 6]
        target = [] if method == "CONNECT" else [(":scheme", "https"), (":path", f"/{number % 50}")]
        headers = [(":method", method), *target, (":authority", "example.com"), *action.a]
        priority: dict[str, Any] = {}
        if action.c is not None:
            weight, depends_on, exclusive = action.c
            priority = {"priority_weight": weight, "priority_depends_on": depends_on % 64 * 2,
                        "priority_exclusive": exclusive}
        side = self.pair.call("send_headers", stream_id, headers, end_stream=ends, **priority)
        if side is not None and side.error is None and stream_id not in self.opened:
            self.opened.append(stream_id)

    def client_odd_request(self, action: Action) -> None:
        stream_id = self.pair.h2.get_next_available_stream_id()
        side = self.pair.call("send_headers", stream_id, list(action.b), end_stream=action.c)
        if side is not None and side.error is None:
            self.opened.append(stream_id)

    def client_data(self, action: Action) -> None:
        ends, padding = action.c
        self.pair.call("send_data", self.stream(action.a, self.pair.h2), b"d" * action.b, end_stream=ends, pad_length=padding)

    def client_trailers(self, action: Action) -> None:
        self.pair.call("send_headers", self.stream(action.a, self.pair.h2) | 1, action.b or [("x-sum", "1")], end_stream=action.c)

    def client_end_stream(self, action: Action) -> None:
        self.pair.call("end_stream", self.stream(action.a, self.pair.h2))

    def client_reset(self, action: Action) -> None:
        self.pair.call("reset_stream", self.stream(action.a), action.b)

    def client_acknowledge(self, action: Action) -> None:
        self.pair.call("acknowledge_received_data", action.b, self.stream(action.a))

    def client_increment(self, action: Action) -> None:
        self.pair.call("increment_flow_control_window", action.b,
                       None if action.a % 3 == 0 else self.stream(action.a))

    def client_ping(self, action: Action) -> None:
        self.pair.call("ping", action.a)

    def client_settings(self, action: Action) -> None:
        self.pair.call("update_settings", setting_values(action.a))

    def client_prioritize(self, action: Action) -> None:
        depends_on, exclusive = action.c
        self.pair.call("prioritize", self.stream(action.a), action.b, None if depends_on is None else depends_on % 8, exclusive)

    def client_push(self, action: Action) -> None:
        self.pair.call("push_stream", self.stream(action.a), 2, GET)

    def client_close(self, action: Action) -> None:
        self.pair.call("close_connection", action.a, action.b)

    def client_next_id(self, action: Action) -> None:
        self.pair.call("get_next_available_stream_id")

    # The server's side

    def server_headers(self, action: Action) -> None:
        status, extra = action.b
        self.server.send_headers(self.stream(action.a, self.server), [(":status", status), *extra], end_stream=action.c)

    def server_data(self, action: Action) -> None:
        stream_id = self.stream(action.a, self.server)
        ends, padding = action.c
        room = self.server.local_flow_control_window(stream_id) - (0 if padding is None else padding + 1)
        if room >= 0:
            size = min(action.b, room, self.server.max_outbound_frame_size - 256)
            self.server.send_data(stream_id, bytes([size % 256]) * size, end_stream=ends, pad_length=padding)

    def server_trailers(self, action: Action) -> None:
        self.server.send_headers(self.stream(action.a, self.server), [one for one in action.b if one[0] != "te"] or [("x", "y")],
                                 end_stream=True)

    def server_reset(self, action: Action) -> None:
        self.server.reset_stream(self.stream(action.a), action.b)

    def server_ping(self, action: Action) -> None:
        self.server.ping(action.a)

    def server_settings(self, action: Action) -> None:
        self.server.update_settings(setting_values(action.a))

    def server_window(self, action: Action) -> None:
        stream_id = None if action.a % 3 == 0 else self.stream(action.a)
        if stream_id is None or stream_id in self.server.streams:
            self.server.increment_flow_control_window(action.b, stream_id)

    def server_acknowledge(self, action: Action) -> None:
        self.server.acknowledge_received_data(action.b, self.stream(action.a))

    def server_altsvc(self, action: Action) -> None:
        if action.b:
            self.server.advertise_alternative_service(b'h2=":1"', origin=b"https://example.com")
        else:
            self.server.advertise_alternative_service(b'h2=":1"', stream_id=self.stream(action.a, self.server))

    def server_push(self, action: Action) -> None:
        promised = self.server.get_next_available_stream_id()
        self.server.push_stream(self.stream(action.a, self.server), promised, [
            (":method", action.b), (":scheme", "https"), (":authority", "example.com"), (":path", "/pushed"),
            *(field for field in action.c if field[0] != "x-huge")])
        self.opened.append(promised)

    def server_goaway(self, action: Action) -> None:
        self.server.close_connection(action.a, action.b)


def converse_as_client(actions: list[Action], seed: int, **options: Any) -> Pair:
    """Plays one conversation and returns the pair for a look at what was seen."""
    pair = Pair(random.Random(seed), client_side=True, **options)
    ClientConversation(pair).play(actions)
    return pair
