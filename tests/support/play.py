"""Plays octets into a connection, in one piece, octet by octet and in random cuts.

The three runs must agree; what the first of them shows is returned.
"""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError

from . import frames
from .describe import describe_all, describe_error, kinds
from .fields import Shadow, request
from .frames import Frame, FrameReader, Sent

Step = bytes | Frame | Callable[[H2Connection], Any]

RESPONSE = [(b":status", b"200"), (b"content-length", b"5")]
BODY = b"hello"
NEIGHBOUR = 1
LATER = 1001


@dataclass
class Outcome:
    """What one run showed."""

    connection: H2Connection
    reader: FrameReader
    events: list[Any] = field(default_factory=list)
    error: ProtocolError | None = None
    sent: list[Sent] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    unread: bytes = b""

    @property
    def kinds(self) -> list[str]:
        """The events' class names, in order."""
        return kinds(self.events)

    def of(self, kind: str, stream_id: int | None = None) -> list[Any]:
        """The events of one class, on one stream if given."""
        return [event for event in self.events if type(event).__name__ == kind
                and (stream_id is None or event.stream_id == stream_id)]

    def wrote(self, kind: str, stream_id: int | None = None) -> list[Sent]:
        """The frames of one kind that were sent, on one stream if given."""
        return [sent for sent in self.sent if sent.kind == kind
                and (stream_id is None or sent.stream_id == stream_id)]

    def feed(self, *steps: Step) -> Outcome:
        """Plays more steps on the same connection, each in one piece; events and frames are added."""
        for step in steps:
            _step(self, step, whole)
        _collect(self)
        return self


def whole(octets: bytes) -> Iterator[bytes]:
    """One piece."""
    yield octets


def one_by_one(octets: bytes) -> Iterator[bytes]:
    """Octet by octet (the middle of long inputs in larger odd pieces)."""
    edge = 400
    if len(octets) <= 2 * edge + 997:
        for at in range(len(octets)):
            yield octets[at:at + 1]
        return
    yield from one_by_one(octets[:edge])
    for at in range(edge, len(octets) - edge, 997):
        yield octets[at:min(at + 997, len(octets) - edge)]
    yield from one_by_one(octets[-edge:])


def at_random(octets: bytes) -> Iterator[bytes]:
    """Pieces of random lengths, empty ones among them; the same input is always cut alike."""
    chance = random.Random(len(octets) * 2654435761 ^ sum(octets[:64]))
    at = 0
    while at < len(octets):
        length = chance.choice((0, 1, 2, 3, 5, 8, 9, 10, 13, 40, 300, 5000))
        yield octets[at:at + length]
        at += length


CUTS = (whole, one_by_one, at_random)


def server(**config: Any) -> H2Connection:
    """A server connection that has sent its SETTINGS."""
    connection = H2Connection(H2Configuration(client_side=False, **config))
    connection.initiate_connection()
    return connection


def play(*steps: Step, preface: bool = True, rfc_errors: bool = True, cuts: tuple = CUTS, start: bool = True,
         drain: bool = True, setup: Callable[[H2Connection], Any] | None = None, client_side: bool = False,
         **config: Any) -> Outcome:
    """Plays steps and returns the outcome, which must not depend on how the octets were cut.

    Args:
        steps: octets to receive (bytes or ``Frame``), or callables that get the connection.
        preface: send the peer's preface first: an empty SETTINGS, a client's with its octets before.
        rfc_errors: the configuration's flag.
        cuts: the ways to cut each step's octets.
        start: send the connection's own preface first.
        drain: read the output after every step; otherwise only at the end.
        setup: called with each new connection before anything is received.
        client_side: the connection is a client's, the steps are a server's.
        config: further keywords of ``H2Configuration``.
    """
    outcomes = []
    for cut in cuts:
        connection = H2Connection(H2Configuration(client_side=client_side, rfc_errors=rfc_errors, **config))
        if start:
            connection.initiate_connection()
            connection.data_to_send()
        if setup is not None:
            setup(connection)
        outcome = Outcome(connection, FrameReader())
        if preface:
            _step(outcome, (b"" if client_side else frames.PREFACE) + bytes(frames.settings()), cut)
            outcome.events.clear()
            outcome.sent.clear()
        for step in steps:
            _step(outcome, step, cut, drain)
        _collect(outcome)
        outcomes.append(outcome)
    first = outcomes[0]
    for cut, other in zip(cuts[1:], outcomes[1:]):
        assert describe_error(other.error) == describe_error(first.error), f"errors differ when cut {cut.__name__}"
        assert describe_all(other.events) == describe_all(first.events), f"events differ when cut {cut.__name__}"
        assert other.sent == first.sent, f"output differs when cut {cut.__name__}"
    return first


def _step(outcome: Outcome, step: Step, cut: Callable, drain: bool = True) -> None:
    if callable(step):
        outcome.results.append(step(outcome.connection))
    else:
        for piece in cut(bytes(step)):
            try:
                outcome.events.extend(outcome.connection.receive_data(piece))
            except ProtocolError as error:
                assert outcome.error is None, f"a second error: {error}"
                outcome.error = error
                outcome.events.extend(error.events)
    if drain:
        _collect(outcome)


def _collect(outcome: Outcome) -> None:
    outcome.sent.extend(outcome.reader.read(outcome.connection.data_to_send()))


def answer(stream_id: int) -> Callable[[H2Connection], None]:
    """A step that answers a stream with a small response, in h2's calls."""
    def step(connection: H2Connection) -> None:
        connection.send_headers(stream_id, RESPONSE)
        connection.send_data(stream_id, BODY, end_stream=True)
    return step


def assert_answered(outcome: Outcome, stream_id: int) -> None:
    """The stream's whole response, and nothing else, went out."""
    [head] = outcome.wrote("HEADERS", stream_id)
    assert head.fields == tuple(RESPONSE)
    assert [sent.data for sent in outcome.wrote("DATA", stream_id)] == [BODY]
    assert outcome.wrote("DATA", stream_id)[-1].end_stream


def fields_of(event: Any) -> list[tuple[bytes, bytes]]:
    """An event's headers as plain tuples."""
    return [(name, value) for name, value in event.headers]


def accepted(*steps: Step, **options: Any) -> Outcome:
    """Plays steps that must raise nothing, reset nothing and end nothing."""
    outcome = play(*steps, **options)
    assert outcome.error is None, f"refused: {outcome.error!r} {outcome.error}"
    assert not outcome.wrote("RST_STREAM") and not outcome.wrote("GOAWAY"), outcome.sent
    assert not [event for event in outcome.of("StreamReset") if not event.remote_reset]
    return outcome


def survived(*steps: Step, **options: Any) -> Outcome:
    """Plays steps that may cost streams but not the connection."""
    outcome = play(*steps, **options)
    assert outcome.error is None, f"ended the connection: {outcome.error!r} {outcome.error}"
    assert not outcome.wrote("GOAWAY")
    return outcome


def connection_error(*steps: Step, code: int, exception: type[ProtocolError] = ProtocolError,
                     last_stream_id: int | None = None, **options: Any) -> Outcome:
    """Plays steps whose last ends the connection: GOAWAY with ``code``, the exception, later input ignored."""
    outcome = play(*steps, **options)
    error = outcome.error
    assert error is not None, f"accepted: events {outcome.events}, sent {outcome.sent}"
    assert isinstance(error, exception), f"{type(error)} is not {exception}"
    assert int(error.error_code) == code, f"{error!r} has code {error.error_code}, not {code}"
    assert str(error)
    goaways = outcome.wrote("GOAWAY")
    assert [sent.error_code for sent in goaways] == [code], outcome.sent
    assert outcome.sent[-1] is goaways[0], "something follows GOAWAY"
    if last_stream_id is not None:
        assert goaways[0].last_stream_id == last_stream_id
    ignored = frames.ping() + frames.settings((frames.MAX_CONCURRENT_STREAMS, 7)) + request(2001) + b"\xff" * 20
    assert outcome.connection.receive_data(ignored) == []
    assert outcome.connection.data_to_send() == b""
    return outcome


def stream_error(*steps: Step, stream_id: int, code: int, times: int = 1, **options: Any) -> Outcome:
    """Plays steps that must cost one stream only.

    A neighbour (stream 1) is open before and gets its whole answer afterwards, and a later request (stream 1001)
    whose block refers to the dynamic table decodes as written: RST_STREAM with ``code``, one StreamReset with
    ``remote_reset=False``, no GOAWAY.
    """
    shadow = Shadow()
    neighbour = request(NEIGHBOUR, (b"x-neighbour", b"yes"))
    received = bytes(neighbour) + b"".join(bytes(step) for step in steps if not callable(step))
    shadow.see(received)
    probe, fields = shadow.probe(LATER)
    outcome = play(neighbour, *steps, probe, answer(NEIGHBOUR), answer(LATER), **options)
    assert outcome.error is None, f"ended the connection: {outcome.error!r} {outcome.error}"
    assert not outcome.wrote("GOAWAY")
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(stream_id, code)] * times
    [reset] = outcome.of("StreamReset")
    assert (reset.stream_id, int(reset.error_code), reset.remote_reset) == (stream_id, code, False)
    [later] = outcome.of("RequestReceived", LATER)
    assert fields_of(later) == fields
    assert_answered(outcome, NEIGHBOUR)
    assert_answered(outcome, LATER)
    return outcome
