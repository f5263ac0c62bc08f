"""A client and a server, each h2's or fasth2's, with the same script of actions between them."""
from __future__ import annotations

import random
from typing import Any

import h2.config
import h2.connection

import fasth2.config
import fasth2.connection
from tests.support.describe import describe_all

LIBRARIES = {
    "h2": (h2.connection.H2Connection, h2.config.H2Configuration),
    "fasth2": (fasth2.connection.H2Connection, fasth2.config.H2Configuration),
}
REQUEST = [(":scheme", "https"), (":authority", "example.com"), (":path", "/")]
FIELDS = [("accept", "*/*"), ("x-n", "1"), ("cookie", "a=b"), ("x-long", "v" * 300), ("X-Upper", " padded "), ("te", "trailers"),
          ("authorization", "Basic c2VjcmV0"), ("priority", "u=2, i")]
#: Not the table size, of which hpack does not announce every change, and no window that may fall below 0, where h2
#: refuses END_STREAM.
SETTINGS = [{3: 50}, {4: 70000}, {4: 100000}, {5: 20000}, {6: 65536}]


class Exchange:
    """Plays legal actions that a seed chooses, and writes down what both sides see.

    Which streams may send what is tracked here, so that the script does not depend on the libraries.
    """

    def __init__(self, client: str, server: str, seed: int, **config: Any) -> None:
        self.chance = random.Random(seed)
        self.sides = {}
        for who, library in (("client", client), ("server", server)):
            connection, configuration = LIBRARIES[library]
            self.sides[who] = connection(configuration(client_side=who == "client", **config))
        self.transcript: list[Any] = []
        self.sending: dict[str, list[int]] = {"client": [], "server": []}
        self.begun: set[int] = set()
        self.pushed = 0
        for side in self.sides.values():
            side.initiate_connection()
        self.settle()

    def settle(self) -> None:
        """Carries the octets of both sides until none are left; then looks at the windows."""
        moved = True
        while moved:
            moved = False
            for who, other in (("client", "server"), ("server", "client")):
                octets = self.sides[who].data_to_send()
                while octets:
                    moved = True
                    size = self.chance.choice((1, 9, 30, 70000)) if len(octets) < 400 else 70000
                    events = self.sides[other].receive_data(octets[:size])
                    octets = octets[size:]
                    if events:
                        self.transcript.append((other, describe_all(events)))
        for who, side in self.sides.items():
            self.transcript.append((
                who, side.inbound_flow_control_window, side.outbound_flow_control_window, side.open_inbound_streams,
                side.open_outbound_streams, side.max_outbound_frame_size, side.max_inbound_frame_size,
                [(one, side.local_flow_control_window(one), side.remote_flow_control_window(one)) for one in self.sending[who]]))

    def play(self, steps: int) -> list[Any]:
        """Plays so many actions; returns the transcript."""
        for _ in range(steps):
            who = self.chance.choice(("client", "server"))
            actions = ["ping", "settings", "increment", "body", "body", "end", "reset", "begin", "begin"]
            getattr(self, f"do_{self.chance.choice(actions)}")(who, self.sides[who])
            self.settle()
        for who, side in self.sides.items():
            for stream_id in list(self.sending[who]):
                if stream_id in self.begun:
                    side.end_stream(stream_id)
                    self.sending[who].remove(stream_id)
        self.settle()
        self.sides[self.chance.choice(("client", "server"))].close_connection(0, b"done")
        self.settle()
        return self.transcript

    def fields(self) -> list[tuple[str, str]]:
        return self.chance.sample(FIELDS, self.chance.randrange(4))

    def pick(self, who: str) -> int | None:
        """A stream on which a side may send DATA."""
        usable = [one for one in self.sending[who] if one in self.begun or who == "client"]
        return self.chance.choice(usable) if usable else None

    def over(self, who: str, stream_id: int) -> None:
        self.sending[who].remove(stream_id)

    def do_begin(self, who: str, side: Any) -> None:
        """A request; a response, an informational one, a promise or an alternative service."""
        ends = self.chance.random() < 0.5
        if who == "client":
            stream_id = side.get_next_available_stream_id()
            method = "GET" if ends else "POST"
            priority = {"priority_weight": 5, "priority_depends_on": 1000} if self.chance.random() < 0.2 else {}
            side.send_headers(stream_id, [(":method", method), *REQUEST, *self.fields()], end_stream=ends, **priority)
            self.sending["server"].append(stream_id)
            if not ends:
                self.sending["client"].append(stream_id)
            return
        waiting = [one for one in self.sending["server"] if one not in self.begun]
        if not waiting:
            return
        stream_id = self.chance.choice(waiting)
        what = self.chance.choice(("answer", "answer", "answer", "interim", "promise", "alternative"))
        if what == "interim" and stream_id % 2:
            side.send_headers(stream_id, [(":status", "103"), *self.fields()])
        elif what == "promise" and stream_id % 2:
            self.pushed += 2
            side.push_stream(stream_id, self.pushed, [(":method", "GET"), *REQUEST])
            self.sending["server"].append(self.pushed)
        elif what == "alternative" and stream_id % 2:
            side.advertise_alternative_service(b'h2=":1"', stream_id=stream_id)
        elif what == "answer":
            side.send_headers(stream_id, [(":status", "200"), *self.fields()], end_stream=ends)
            self.begun.add(stream_id)
            if ends:
                self.over(who, stream_id)

    def do_body(self, who: str, side: Any) -> None:
        stream_id = self.pick(who)
        if stream_id is None:
            return
        padding = self.chance.choice((None, None, 0, 100))
        room = side.local_flow_control_window(stream_id) - (0 if padding is None else padding + 1)
        if room < 0:
            return
        size = min(self.chance.choice((0, 1, 100, 5000, 16384)), room, side.max_outbound_frame_size - 256)
        ends = self.chance.random() < 0.2
        side.send_data(stream_id, b"d" * size, end_stream=ends, pad_length=padding)
        if ends:
            self.over(who, stream_id)
        self.settle()
        if self.chance.random() < 0.7:
            self.sides["server" if who == "client" else "client"].acknowledge_received_data(size, stream_id)

    def do_end(self, who: str, side: Any) -> None:
        stream_id = self.pick(who)
        if stream_id is not None:
            if self.chance.random() < 0.5:
                side.send_headers(stream_id, [("x-sum", "1")], end_stream=True)
            else:
                side.end_stream(stream_id)
            self.over(who, stream_id)

    def do_reset(self, who: str, side: Any) -> None:
        if self.chance.random() < 0.6 or not self.sending[who]:
            return
        stream_id = self.chance.choice(self.sending[who])
        side.reset_stream(stream_id, 8)
        for streams in self.sending.values():
            if stream_id in streams:
                streams.remove(stream_id)

    def do_ping(self, who: str, side: Any) -> None:
        side.ping(b"12345678")

    def do_settings(self, who: str, side: Any) -> None:
        side.update_settings(self.chance.choice(SETTINGS))

    def do_increment(self, who: str, side: Any) -> None:
        stream_id = self.pick("server" if who == "client" else "client")
        if self.chance.random() < 0.5:
            side.increment_flow_control_window(1000)
        elif stream_id is not None:
            side.increment_flow_control_window(1000, stream_id)
