"""h2 and fasth2 on the same side of a connection, given the same octets and the same calls.

fasth2 takes part twice: once frame by frame beside h2, so that every frame's
effect can be judged, and once with the octets cut anywhere, through
``receive_data`` or ``ready_requests``; the two must agree.
"""
from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import hpack

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import H2Error
from tests.support.describe import describe, describe_all, describe_error
from tests.support.frames import PREFACE, Frame, FrameReader, Sent, split_frames
from tests.support.slim import expected_slim, slim_facts

from . import differences
from .memory import Memory


@dataclass
class Side:
    """What one connection made of a step."""

    events: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    sent: list[Sent] = field(default_factory=list)
    result: Any = None

    def plain(self) -> tuple[Any, ...]:
        """What must be equal on both sides."""
        return (describe_all(self.events), describe_error(self.error), self.sent, describe(self.result))


@dataclass
class Step:
    """One step of a conversation and both outcomes, for the judge of differences."""

    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    frame: Frame | None
    h2: Side
    ours: Side
    faults: set[str]
    pair: Pair


class Disagreement(AssertionError):
    """The two differ and no listed difference explains it."""


def stopped() -> float:
    """A clock that stands still: how far limits let a conversation go does not depend on the machine."""
    return 0.0


class Pair:
    """The connections and their output.

    Args:
        chance: where random cuts come from.
        slim: whether the third connection is read with ``ready_requests``.
        client_side: whether they are clients; else they are servers.
        ours: keywords of ``H2Configuration`` for fasth2 alone.
        config: keywords that both libraries have.
    """

    def __init__(self, chance: random.Random, slim: bool = False, ours: dict[str, Any] | None = None,
                 client_side: bool = False, **config: Any) -> None:
        self.chance = chance
        self.slim = slim
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client_side, **config))
        self.ours, self.cut = (
            H2Connection(H2Configuration(client_side=client_side, **config, **{"clock": stopped, **(ours or {})}))
            for _ in range(2))
        self.readers = [FrameReader(2**24, 2**32) for _ in range(3)]
        self.over = False
        self.counters: dict[str, int] = {}
        self.seen: list[str] = []
        self.partial = b""
        self.to_peer = b""
        self.call("initiate_connection")
        if not client_side:
            self._bytes(PREFACE)

    # Input

    def receive(self, octets: bytes) -> None:
        """Feeds octets to all three. What is left of an unfinished frame waits in them."""
        if self.over or not octets:
            return
        consumed = b""
        events: list[Any] = []
        sent: list[Sent] = []
        error = None
        for piece, frame in self._pieces(octets):
            theirs, mine = Side(), Side()
            try:
                theirs.events = self.h2.receive_data(piece)
            except Exception as raised:
                theirs.error = raised
            try:
                mine.events = self.ours.receive_data(piece)
            except H2Error as raised:
                mine.error = error = raised
                mine.events = raised.events
            self._outputs(theirs, mine)
            consumed += piece
            events += mine.events
            if not self.ours.config.rfc_errors and any(type(event).__name__ == "ConnectionTerminated"
                                                       for event in mine.events):
                # As in h2, GOAWAY throws away the output that waits; the cut connection is read later.
                sent.clear()
            sent += mine.sent
            self._judge(Step("receive_data", (piece,), {}, frame, theirs, mine, self._new_faults(), self))
            if error is not None:
                assert self.ours.receive_data(octets[:40]) == []
                assert self.ours.data_to_send() == b""
                self.over = True
            if self.over:
                break
        self._receive_cut(consumed, events, error, sent)

    def _bytes(self, octets: bytes) -> None:
        for connection in (self.h2, self.ours, self.cut):
            assert connection.receive_data(octets) == []

    def _pieces(self, octets: bytes) -> Iterator[tuple[bytes, Frame | None]]:
        """Whole frames, then what is left; the first piece may be the rest of an earlier frame."""
        data = self.partial + octets
        skip = len(self.partial)
        at = 0
        while len(data) - at >= 9:
            length = 9 + int.from_bytes(data[at:at + 3], "big")
            if len(data) - at < length:
                break
            [frame] = split_frames(data[at:at + length])
            yield data[max(at, skip):at + length], frame
            at += length
        self.partial = data[at:]
        if data[max(at, skip):]:
            yield data[max(at, skip):], None

    def _receive_cut(self, octets: bytes, events: list[Any], error: H2Error | None, sent: list[Sent]) -> None:
        """The third connection must show what the second did, however the octets are cut."""
        read = self.cut.ready_requests if self.slim else self.cut.receive_data
        got: list[Any] = []
        raised = None
        for piece in self._cuts(octets):
            try:
                got += read(piece)
            except H2Error as caught:
                raised = caught
                got += caught.events
                break
        if describe_error(raised) != describe_error(error):
            raise Disagreement(f"cut: {raised!r}, whole frames: {error!r}")
        if self.slim:
            theirs, mine = expected_slim(events), slim_facts(got)
        else:
            theirs, mine = describe_all(events), describe_all(got)
        if theirs != mine:
            raise Disagreement(f"events of cut input (slim={self.slim})\n  {mine}\ninstead of\n  {theirs}")
        output = self.readers[2].read(self.cut.data_to_send())
        if not same_output(output, sent):
            raise Disagreement(f"output of cut input\n  {brief(output)}\ninstead of\n  {brief(sent)}")

    def _cuts(self, octets: bytes) -> Iterator[bytes]:
        if self.chance.random() < 0.3:
            yield octets
            return
        longest = 12 if len(octets) < 600 and self.chance.random() < 0.5 else 6000
        at = 0
        while at < len(octets):
            length = self.chance.randrange(1, longest)
            yield octets[at:at + length]
            at += length

    # Calls

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Side | None:
        """Makes the same call on all three; one that h2 refuses leaves no trace in h2 either."""
        if self.over:
            return None
        memory = Memory(self.h2)
        sides = []
        for connection in (self.h2, self.ours, self.cut):
            side = Side()
            sides.append(side)
            try:
                side.result = getattr(connection, name)(*arguments, **keywords)
            except Exception as error:
                side.error = error
        theirs, mine, third = sides
        if theirs.error is not None:
            memory.put_back()
        self._outputs(theirs, mine)
        third.sent = self.readers[2].read(self.cut.data_to_send())
        if third.plain() != mine.plain():
            raise Disagreement(f"{name}{arguments!r:.200}: {third.plain()} after cut input, {mine.plain()} otherwise")
        self._judge(Step(name, arguments, keywords, None, theirs, mine, self._new_faults(), self))
        return theirs

    # Judging

    def _outputs(self, theirs: Side, mine: Side) -> None:
        octets = self.h2.data_to_send()
        self.to_peer += octets
        try:
            theirs.sent = self.readers[0].read(octets)
        except hpack.HPACKError as error:
            theirs.error = error
        mine.sent = self.readers[1].read(self.ours.data_to_send())

    def _new_faults(self) -> set[str]:
        """The counter tokens that grew since the last step: what fasth2 found wrong."""
        before, self.counters = self.counters, self.ours.counters
        return {token for token, count in self.counters.items() if count != before.get(token)}

    def _judge(self, step: Step) -> None:
        if step.h2.plain() == step.ours.plain() and not differences.promise_is_refused(step):
            if step.ours.error is None or step.name != "receive_data":
                self._compare_state(step)
            return
        found = differences.explain(step)
        if found is None:
            raise Disagreement(self._report(step))
        self.seen.append(found.id)
        if found.ends:
            self.over = True
        else:
            self._compare_state(step)

    def state(self, connection: Any, stream_ids: list[int]) -> dict[str, Any]:
        """Windows, counts and settings as the public API shows them."""
        state = {
            "inbound window": connection.inbound_flow_control_window,
            "outbound window": connection.outbound_flow_control_window,
            "frame size": connection.max_outbound_frame_size,
            "highest inbound": connection.highest_inbound_stream_id,
            "highest outbound": connection.highest_outbound_stream_id,
            "local settings": {int(code): value for code, value in connection.local_settings.items()},
            "remote settings": {int(code): value for code, value in connection.remote_settings.items()},
        }
        for stream_id in stream_ids:
            state[f"windows of {stream_id}"] = (connection.local_flow_control_window(stream_id),
                                                connection.remote_flow_control_window(stream_id))
        return state

    def _compare_state(self, step: Step) -> None:
        alive = sorted(stream_id for stream_id, stream in self.h2.streams.items() if not stream.closed)
        ours = sorted(self.ours.streams)
        if alive != ours:
            raise Disagreement(f"streams: h2 has {alive}, fasth2 {ours}\n{self._report(step)}")
        theirs, mine = self.state(self.h2, alive), self.state(self.ours, alive)
        if theirs != mine:
            wrong = {key: (theirs[key], mine[key]) for key in theirs if theirs[key] != mine[key]}
            raise Disagreement(f"state (h2, fasth2): {wrong}\n{self._report(step)}")
        if self.chance.random() < 0.5:
            counts = [(one.open_inbound_streams, one.open_outbound_streams) for one in (self.h2, self.ours)]
            if counts[0] != counts[1]:
                raise Disagreement(f"open streams (h2, fasth2): {counts}\n{self._report(step)}")

    def _report(self, step: Step) -> str:
        return (f"{step.name}{step.arguments!r:.600} {step.keywords!r:.200}\n  last frame {step.frame!r}, faults {step.faults}\n"
                f"  h2:     events {step.h2.events}\n          error {step.h2.error!r} {describe_error(step.h2.error)}\n"
                f"          sent {brief(step.h2.sent)}  result {step.h2.result!r:.100}\n"
                f"  fasth2: events {step.ours.events}\n"
                f"          error {step.ours.error!r} {describe_error(step.ours.error)}\n"
                f"          sent {brief(step.ours.sent)}  result {step.ours.result!r:.100}")


def same_output(one: list[Sent], other: list[Sent]) -> bool:
    """Equal, but for how often the connection's credit was returned between two reads of the output."""
    def without_credit(sent: list[Sent]) -> tuple[list[Sent], int]:
        rest = [frame for frame in sent if frame.kind != "WINDOW_UPDATE"]
        return rest, sum(frame.increment or 0 for frame in sent)
    return without_credit(one) == without_credit(other)


def brief(sent: list[Sent]) -> list[str]:
    """Frames without what is not set."""
    return [", ".join(f"{name}={value!r:.80}" for name, value in vars(one).items() if value not in (None, False, ()))
            for one in sent]
