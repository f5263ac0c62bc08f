"""Raw frames from a server, valid and broken, and calls of the clients between them."""
from __future__ import annotations

import random
import struct
from typing import Any

import hpack
from h2.stream import StreamState
from hypothesis import strategies as st

from tests.support import frames
from tests.support.fields import in_frames
from tests.support.frames import Frame

from .client import Action, long_and_short
from .pair import Pair
from .raw import GET, Headers, On, _any_frames, _break, _on, legal_steps
from .server import ClientConversation, client_actions, requests

STATUS = [(b":status", b"200")]

FIELD_LISTS = [
    STATUS, STATUS, [(b":status", b"304"), (b"content-length", b"5")], [(b":status", b"204")], [(b":status", b"103")],
    [(b":status", b"100")], [*STATUS, (b"content-length", b"5")], [*STATUS, (b"content-length", b"0")],
    [*STATUS, (b"set-cookie", b"a"), (b"x", b"1"), (b"cookie", b"b"), (b"cookie", b"c")],
    [*STATUS, (b"content-length", b"5"), (b"content-length", b"5")], [(b"x-trailer", b"1")], [(b"x-trailer", b"1")],
]

#: Each is malformed in one way.
BAD_FIELD_LISTS = [
    [], [*STATUS, *STATUS], [(b"x", b"1"), *STATUS], [*STATUS, (b":path", b"/")], [*STATUS, (b":x", b"1")], GET,
    [(b":status", b"20")], [(b":status", b"abc")], [(b":status", b"")], [(b":status", b"1")], [*STATUS, (b"connection", b"close")],
    [*STATUS, (b"te", b"gzip")], [*STATUS, (b"Upper", b"x")], [*STATUS, (b"", b"x")], [*STATUS, (b"x", b"a\r\nb")],
    [*STATUS, (b"x", b" padded")], [*STATUS, (b"content-length", b"x")], [*STATUS, (b"content-length", b"5, 5")],
    [*STATUS, (b"content-length", b"5"), (b"content-length", b"6")], [*STATUS, (b"x\xff", b"a")],
    [*STATUS, (b"content-length", b"9" * 30)],
]

PROMISES = [
    GET, GET, GET, [(b":method", b"HEAD"), *GET[1:]], [(b":method", b"POST"), *GET[1:]], [*GET, (b"content-length", b"5")], GET[1:],
    [*GET, (b"cookie", b"a"), (b"cookie", b"b")], [*GET, (b"host", b"other")], [*GET, (b":status", b"200")], GET[:3],
    [*GET[:2], GET[3], (b"host", b"a")], [*GET, (b"x", b"a\0")], [(b":method", b"CONNECT"), GET[2]],
]

_octets = st.binary(max_size=20)


def _headers(lists: st.SearchStrategy[Any]) -> st.SearchStrategy[Headers]:
    return st.builds(Headers, st.integers(0, 2**16), lists, st.booleans(), st.sampled_from([0, 0, 0, 1, 2, 5]),
                     st.one_of(st.none(), st.none(), st.none(), st.tuples(st.integers(1, 256), st.just(1000), st.booleans())),
                     st.one_of(st.none(), st.none(), st.none(), st.sampled_from([0, 1, 30])))


def _promises(lists: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[int, int, Any, int]]:
    return st.tuples(st.integers(0, 2**16), st.integers(0, 2**16), lists, st.sampled_from([0, 0, 1, 3]))


_responses = _headers(st.sampled_from(FIELD_LISTS))
_legal = st.one_of(
    _responses, _responses, _responses, _promises(st.just(GET)), legal_steps,
    _on(st.builds(frames.data, st.just(1), st.sampled_from([b"12345", b"", b"x"]), st.booleans())),
    st.builds(frames.altsvc, st.just(0), st.sampled_from([b"", b"https://a"]), _octets),
    _on(st.builds(frames.altsvc, st.just(1), st.sampled_from([b"", b"", b"https://a"]), _octets)),
).filter(lambda step: not (isinstance(step, Headers) and step.stream_id == 0))
_broken = st.one_of(
    _headers(st.sampled_from(BAD_FIELD_LISTS)), _headers(st.sampled_from(BAD_FIELD_LISTS)), _promises(st.sampled_from(PROMISES)),
    _any_frames, _on(_any_frames), st.builds(_break, _any_frames, st.integers(0, 9), st.integers(0, 2**16)), _legal,
)

raw_conversations = st.tuples(
    requests,
    long_and_short(st.one_of(_legal, _legal, client_actions, requests)),
    st.lists(_broken, max_size=5),
).map(lambda parts: [parts[0], *parts[1], *parts[2]])


class RawClientConversation(ClientConversation):
    """Frames go to the clients as they are; field blocks are encoded by one encoder."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.encoder = hpack.Encoder()
        self.promised = 0
        pair.receive(bytes(frames.settings()))

    def to_server(self) -> None:
        """Nobody reads what the clients send."""

    def play_raw(self, steps: list[Any], batch: random.Random) -> None:
        """Carries out the steps, several frames at a time."""
        waiting = b""
        for step in steps:
            if self.pair.over:
                return
            if isinstance(step, Action):
                self.pair.receive(waiting)
                waiting = b""
                if not self.pair.over:
                    getattr(self, f"client_{step.what}")(step)
                continue
            if isinstance(step, Headers):
                waiting += self.encode(step)
            elif isinstance(step, tuple):
                waiting += self.encode_promise(*step)
            elif isinstance(step, On):
                waiting += bytes(step.frame.on(self.peer_stream(step.which)))
            else:
                waiting += bytes(step)
            if batch.random() < 0.6:
                self.pair.receive(waiting)
                waiting = b""
        self.pair.receive(waiting)

    def peer_stream(self, number: int) -> int:
        """Mostly a stream that the server may still send on."""
        states = (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL, StreamState.RESERVED_REMOTE)
        usable = [stream_id for stream_id, stream in self.pair.h2.streams.items() if stream.state_machine.state in states]
        if number % 8 and usable:
            return usable[number % len(usable)]
        return self.stream(number)

    def encode(self, step: Headers) -> bytes:
        """HEADERS and, where the block is cut, CONTINUATION."""
        block = self.encoder.encode(step.fields)
        size = max(1, len(block) // (step.cuts + 1))
        first, *rest = in_frames(self.peer_stream(step.stream_id), block, size, step.end_stream, priority=step.priority)
        if step.padding is not None:
            first = first.pad(step.padding)
        return b"".join(bytes(frame) for frame in [first, *rest])

    def encode_promise(self, which: int, number: int, fields: Any, cuts: int) -> bytes:
        """PUSH_PROMISE and, where the block is cut, CONTINUATION."""
        block = self.encoder.encode(fields)
        promised = self.promised + 2 if number % 9 else (2, 1, 0, self.promised, self.promised + 20)[number // 9 % 5]
        self.promised = max(self.promised, promised & ~1)
        size = max(1, len(block) // (cuts + 1))
        first, *rest = in_frames(self.peer_stream(which), block, size)
        first = Frame(frames.PUSH_PROMISE, first.flags & frames.END_HEADERS, first.stream_id,
                      struct.pack(">L", promised) + first.payload)
        return b"".join(bytes(frame) for frame in [first, *rest])


def play_raw_as_client(steps: list[Any], seed: int, **options: Any) -> Pair:
    """Plays one raw conversation."""
    pair = Pair(random.Random(seed), client_side=True, **options)
    RawClientConversation(pair).play_raw(steps, random.Random(seed))
    return pair
