"""A client and a server of fasth2's that talk, over a wire that may lose, repeat and change octets.

As long as it does not, neither side finds a fault, bodies arrive as they were sent, and once all is delivered each window
and HPACK table of one side is the other's. Afterwards there are only errors of the protocol.
"""
from __future__ import annotations

import collections
from typing import Any

from tests.oracle.server import GET
from tests.support.frames import FrameReader

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import H2Error, ProtocolError
from fuzz.source import Source

#: What may be set while streams are open without giving the peer a reason to complain.
SETTINGS = ((3, 50), (4, 0), (4, 1000), (4, 65535), (4, 100000), (5, 16384), (5, 20000), (1, 0), (1, 100), (1, 4096), (1, 65536))
SIZES = (0, 1, 10, 1000, 16384, 40000)
EXTRA = (("x-a", "1"), ("x-long", "v" * 2000), ("cookie", "a=b; c=d"), ("x-huge", "h" * 20000))


class End:
    """One end, and the octets that it has sent and the other has not read.

    Args:
        client_side: Its role.
        rfc_errors: The configuration's flag.
    """

    def __init__(self, client_side: bool, rfc_errors: bool) -> None:
        self.connection = H2Connection(H2Configuration(client_side=client_side, rfc_errors=rfc_errors, clock=lambda: 0.0))
        self.reader = FrameReader(20000, 65536)
        self.wire = b""
        self.sent: dict[int, bytes] = collections.defaultdict(bytes)
        self.received: dict[int, bytes] = collections.defaultdict(bytes)
        self.over = False
        self.connection.initiate_connection()

    def flush(self) -> None:
        """Put the output on the wire; it must be readable whatever came in."""
        while output := self.connection.data_to_send():
            self.reader.read(output)
            self.wire += output


class Talk:
    """Plays an input.

    Args:
        source: The input.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        rfc_errors = source.flag()
        self.client, self.server = End(True, rfc_errors), End(False, rfc_errors)
        self.faultless = True
        self.streams: list[int] = []
        #: The streams whose response has begun.
        self.begun: set[int] = set()
        self.number = 0

    def play(self) -> None:
        """Carry out what the input says, then deliver what is on the wire."""
        source = self.source
        while source and not (self.client.over or self.server.over):
            sender, receiver = (self.client, self.server) if source.flag() else (self.server, self.client)
            kind = source.below(16)
            if kind < 9:
                self.call(sender)
            elif kind < 13:
                sender.flush()
                self.deliver(sender, receiver, source.below(65536) if source.flag() else len(sender.wire))
            elif kind == 13:
                self.settle()
            elif sender.wire:
                self.damage(sender)
        self.settle()

    def call(self, end: End) -> None:
        """A legal call, or one that is refused."""
        source, connection = self.source, end.connection
        stream_id = self.streams[-1 - source.below(min(len(self.streams), 6))] if self.streams else 1
        kind = source.below(16)
        if end is self.server and stream_id not in self.begun and kind in (4, 5, 6, 8, 14, 15):
            return  # as h2, the engine sends DATA before HEADERS if it is told to
        try:
            if kind < 4 and end is self.client:
                stream_id = connection.get_next_available_stream_id()
                fields = [*GET, *(source.choice(EXTRA) for _ in range(source.below(4)))]
                connection.send_headers(stream_id, fields, end_stream=source.flag())
                self.streams.append(stream_id)
            elif kind < 4:
                status = source.choice(("200", "200", "103"))
                connection.send_headers(stream_id, [(":status", status), source.choice(EXTRA)])
                if status == "200":
                    self.begun.add(stream_id)
            elif kind < 7:
                self.send(end, stream_id, source.choice(SIZES))
            elif kind == 7:
                self.number += 1
                body = bytes([self.number & 0xFF]) * source.choice(SIZES)
                if connection.respond(stream_id, 200, [("x-n", "1")], body, None, source.flag()):
                    end.sent[stream_id] += body
                    self.begun.add(stream_id)
            elif kind == 8:
                connection.end_stream(stream_id)
            elif kind == 9:
                connection.reset_stream(stream_id, source.choice((0, 2, 8)))
            elif kind == 10 and end is self.server:
                promised = connection.get_next_available_stream_id()
                connection.push_stream(stream_id, promised, GET)
                self.streams.append(promised)
            elif kind == 11:
                connection.update_settings(dict(source.choice(SETTINGS) for _ in range(source.below(3))))
            elif kind == 12:
                connection.ping(b"12345678")
            elif kind == 13:
                connection.increment_flow_control_window(source.choice((1, 1000)), source.choice((None, stream_id | 1)))
            elif kind == 14:
                connection.send_headers(stream_id, [("x-sum", "1")], end_stream=True)
            else:
                self.number += 1
                body = bytes([self.number & 0xFF]) * source.choice(SIZES)
                connection.write(stream_id, body, source.below(4) == 3)
                end.sent[stream_id] += body
        except (H2Error, ValueError):
            pass

    def send(self, end: End, stream_id: int, size: int) -> None:
        """As h2's users do: no more than window and frame allow."""
        connection = end.connection
        room = min(connection.local_flow_control_window(stream_id), connection.max_outbound_frame_size)
        self.number += 1
        body = bytes([self.number & 0xFF]) * max(0, min(size, room))
        connection.send_data(stream_id, body, end_stream=self.source.below(8) == 7)
        end.sent[stream_id] += body

    def deliver(self, sender: End, receiver: End, size: int) -> None:
        """Let one end read so many octets."""
        octets, sender.wire = sender.wire[:size], sender.wire[size:]
        try:
            events = receiver.connection.receive_data(octets)
        except ProtocolError as error:
            assert not self.faultless, f"{error!r} after octets as they were sent"
            receiver.over = True
            return
        for event in events:
            if type(event).__name__ == "DataReceived":
                receiver.received[event.stream_id] += event.data
                if self.faultless:
                    assert sender.sent[event.stream_id].startswith(receiver.received[event.stream_id]), "a body was changed"
                if self.source.below(4) < 3:
                    try:
                        receiver.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    except H2Error:
                        pass  # the stream was reset further down

    def damage(self, sender: End) -> None:
        """Lose, repeat or change octets of the wire."""
        source = self.source
        self.faultless = False
        at = source.below(min(len(sender.wire), 65536))
        length = source.below(64) + 1
        piece = sender.wire[at:at + length]
        how = source.below(4)
        new = (b"", piece * 2, bytes(octet ^ 1 << source.below(8) for octet in piece), piece[::-1])[how]
        sender.wire = sender.wire[:at] + new + sender.wire[at + length:]

    def settle(self) -> None:
        """Deliver everything until both are silent; then the two must agree."""
        arrived = -1
        for turn in range(1000):
            if turn % 100 == 99:
                # Windows of an octet make bodies slow.
                arrived, before = sum(len(body) for end in (self.client, self.server) for body in end.received.values()), arrived
                assert arrived > before, "they never fall silent"
            self.client.flush()
            self.server.flush()
            if not self.client.wire and not self.server.wire:
                break
            self.deliver(self.client, self.server, len(self.client.wire))
            self.deliver(self.server, self.client, len(self.server.wire))
        else:
            return
        if self.faultless:
            self.agree(self.client.connection, self.server.connection)
            self.agree(self.server.connection, self.client.connection)

    def agree(self, one: Any, other: Any) -> None:
        """Compare what one end may send with what the other may receive."""
        assert one.outbound_flow_control_window == other.inbound_flow_control_window
        for stream_id in set(one.streams) & set(other.streams):
            assert one.local_flow_control_window(stream_id) == other.remote_flow_control_window(stream_id), stream_id
        # A change of the size reaches the other with the next block.
        size = min(one.encoder.header_table_size, other.decoder.header_table_size)
        mine, theirs = one.encoder.header_table.dynamic_entries, other.decoder.header_table.dynamic_entries
        if one.encoder.header_table_size == other.decoder.header_table_size == 4096:
            assert theirs[:len(mine)] == mine, "the tables differ"
        assert sum(len(name) + len(value) + 32 for name, value in mine) <= max(size, 4096)


def one_input(data: bytes) -> None:
    """Play one input."""
    Talk(Source(data)).play()
