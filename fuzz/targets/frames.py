"""Raw octets to a connection of either role: however they are cut, the same events, errors and output."""
from __future__ import annotations

from typing import Any

from tests.support.describe import describe_all, describe_error
from tests.support.frames import PREFACE, FrameReader
from tests.support.slim import expected_slim, slim_facts

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from fuzz.source import Source

LIMITS = (Limits(), Limits(concurrent_streams=2, closed_streams=1, suspicious_burst=3, suspicious_rate=1, ack_backlog=2,
                           header_list_size=300, continuation_frames=1, window_updates=2, priority_frames=1))


class Reading:
    """A connection, and what it made of the octets.

    Args:
        client_side: Its role.
        slim: Whether it is read with ``ready_requests``.
        config: Keywords of the configuration.
    """

    def __init__(self, client_side: bool, slim: bool = False, **config: Any) -> None:
        self.connection = H2Connection(H2Configuration(client_side=client_side, clock=lambda: 0.0, **config))
        self.slim = slim
        self.items: list[Any] = []
        self.error: ProtocolError | None = None
        self.reader = FrameReader(2**24 - 1, 2**32 - 1)
        self.connection.initiate_connection()
        if client_side:
            headers = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]
            self.connection.send_headers(1, headers, end_stream=True)
            self.connection.send_headers(3, headers)
        self.reader.read(self.connection.data_to_send())

    def read(self, octets: bytes) -> None:
        """Receive octets; after an error nothing must come of them."""
        if self.error is not None:
            assert self.connection.receive_data(octets) == []
            return
        try:
            self.items += (self.connection.ready_requests if self.slim else self.connection.receive_data)(octets)
        except ProtocolError as error:
            self.error = error
            self.items += error.events

    def outcome(self) -> tuple[Any, ...]:
        """Error, output, counters and state, as plain values."""
        sent = self.reader.read(self.connection.data_to_send())
        rest = [frame for frame in sent if frame.kind != "WINDOW_UPDATE"]
        connection = self.connection
        return (describe_error(self.error), rest, sum(frame.increment or 0 for frame in sent), connection.counters,
                connection.inbound_flow_control_window, connection.outbound_flow_control_window,
                sorted(connection.streams), dict(connection.remote_settings))


def one_input(data: bytes) -> None:
    """Play one input: the role and the limits, the octets, and how they are cut."""
    source = Source(data)
    client_side, rfc_errors, limits, step = source.flag(), source.flag(), source.choice(LIMITS), source.below(40) + 1
    octets = source.rest()
    if not client_side:
        octets = PREFACE + octets if step % 4 else octets
    config = {"client_side": client_side, "rfc_errors": rfc_errors, "limits": limits}
    whole = Reading(**config)
    whole.read(octets)
    expected = whole.outcome()
    cuts = [Reading(**config)]
    if not client_side:
        cuts.append(Reading(slim=True, **config))
    for each in cuts:
        for at in range(0, len(octets), step):
            each.read(octets[at:at + step])
        found = each.outcome()
        assert found == expected, f"every {step} octets: {found!r:.600}\nat once: {expected!r:.600}"
        if each.slim:
            assert slim_facts(each.items) == expected_slim(whole.items)
        else:
            assert describe_all(each.items) == describe_all(whole.items)
