"""Conversations of raw frames, valid and broken, and calls of the server between them."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import hpack
from h2.stream import StreamState
from hypothesis import strategies as st

from tests.support import frames
from tests.support.fields import in_frames
from tests.support.frames import Frame

from .client import Action, Conversation, long_and_short, server_actions
from .pair import Pair

STREAM_IDS = [1, 1, 3, 3, 5, 7, 9, 0, 2, 4, 2**31 - 1]
INCREMENTS = [1, 10, 65535, 2**31 - 1, 2**31 - 65536, 0, 0x80000001]

GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"example.com"), (b":path", b"/")]

FIELD_LISTS = [
    GET,
    GET,
    [*GET, (b"cookie", b"a"), (b"x", b"1"), (b"cookie", b"b")],
    [(b":method", b"POST"), *GET[1:], (b"content-length", b"5")],
    [(b":method", b"POST"), *GET[1:], (b"content-length", b"0")],
    [(b":method", b"POST"), *GET[1:], (b"content-length", b"5"), (b"content-length", b"5")],
    [(b":method", b"OPTIONS"), *GET[1:3], (b":path", b"*")],
    [(b":method", b"CONNECT"), (b":authority", b"example.com:443")],
    [*GET[:2], GET[3], (b"host", b"example.com")],
    [(b"x-trailer", b"1")],
    [(b"x-trailer", b"1"), (b"cookie", b"c")],
    [],
]

#: Each is malformed in one way.
BAD_FIELD_LISTS = [
    GET[1:], GET[:1] + GET[2:], GET[:3], GET[:2] + GET[3:], [*GET, GET[0]], [*GET, (b":path", b"/2")],
    [*GET, (b":unknown", b"x")], [(b"x", b"1"), *GET], [*GET, (b":status", b"200")], [(b":status", b"200")],
    [(b":status", b"103")], [*GET, (b"connection", b"close")], [*GET, (b"te", b"gzip")], [*GET, (b"Upper", b"x")],
    [*GET, (b"", b"x")], [*GET, (b"x", b"a\r\nb")], [*GET, (b"x", b" padded")], [*GET, (b"x y", b"a")],
    [*GET, (b"x:y", b"a")], [*GET, (b"host", b"other")], [*GET, (b"host", b"example.com"), (b"host", b"example.com")],
    [*GET[:3], (b":path", b"")], [*GET, (b"content-length", b"x")], [*GET, (b"content-length", b"-1")],
    [*GET, (b"content-length", b"5"), (b"content-length", b"6")], [*GET, (b"content-length", b"5, 5")],
    [*GET, (b":protocol", b"websocket")], [*GET, (b"upgrade", b"h2c")], [*GET, (b"x\xff", b"a")],
    [(b":method", b"CONNECT"), *GET[1:]], [(b":method", b"CONNECT"), (b"host", b"a")],
    [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")],
    [*GET[:3], (b":path", b"relative")], [*GET[:3], (b":path", b"/a b")], [*GET[:3], (b":path", b"*")],
    [(b":method", b"G T"), *GET[1:]], [(b":method", b""), *GET[1:]], [GET[0], (b":scheme", b""), *GET[2:]],
    [*GET[:2], (b":authority", b"user@example.com"), GET[3]], [*GET, (b"content-length", b"9" * 30)],
    [*GET[:2], (b":authority", b""), GET[3]], [*GET, (b"host", b"")],
]

BROKEN_BLOCKS = [b"\x80", b"\xff\xff\xff\xff\x0f", b"\x40\x0aname", b"\x82\x20", b"\x3f\xe2\x1f", b"\x00\x84\xff\xff\xff\xff\x00"]


@dataclass(frozen=True)
class Headers:
    """A field block to be encoded when its turn comes, since the encoder has a memory."""

    stream_id: int
    fields: Any
    end_stream: bool
    cuts: int
    priority: Any
    padding: int | None


_ids = st.sampled_from(STREAM_IDS)
_octets = st.binary(max_size=20)
_lists = st.one_of(st.sampled_from(FIELD_LISTS), st.sampled_from(FIELD_LISTS), st.sampled_from(BAD_FIELD_LISTS))
_good_lists = st.sampled_from(FIELD_LISTS)


def _headers(ids: st.SearchStrategy[int], lists: st.SearchStrategy[Any]) -> st.SearchStrategy[Headers]:
    return st.builds(Headers, ids, lists, st.booleans(), st.sampled_from([0, 0, 1, 2, 5]),
                     st.one_of(st.none(), st.none(), st.tuples(st.integers(1, 256), _ids, st.booleans())),
                     st.one_of(st.none(), st.none(), st.sampled_from([0, 1, 30])))


_settings_pair = st.sampled_from([
    (1, 0), (1, 4096), (1, 2**32 - 1), (2, 0), (2, 1), (3, 0), (3, 10), (4, 0), (4, 65535), (4, 100000), (5, 16384),
    (5, 2**24 - 1), (6, 10), (8, 0), (8, 1), (9, 0), (9, 1), (0x99, 7), (4, 1000), (4, 2**31 - 1)])
_bad_settings_pair = st.one_of(_settings_pair, st.sampled_from([(2, 2), (4, 2**31), (5, 16383), (5, 2**24), (8, 2)]))


@dataclass(frozen=True)
class On:
    """A frame for one of the streams opened so far."""

    which: int
    frame: Frame


def _on(frames_of_a_stream: st.SearchStrategy[Frame]) -> st.SearchStrategy[On]:
    return st.builds(On, st.integers(0, 2**16), frames_of_a_stream)


_requests = _headers(st.just(0), _good_lists)

legal_steps: st.SearchStrategy[Any] = st.one_of(
    _requests,
    _requests,
    _requests,
    _on(st.builds(frames.data, st.just(1), _octets, st.booleans())),
    _on(st.builds(frames.data, st.just(1), st.sampled_from([b"12345", b"", b"x" * 16384]), st.booleans())),
    _on(st.builds(lambda body, pad: frames.data(1, body).pad(pad), _octets, st.integers(0, 255))),
    _on(st.builds(frames.rst_stream, st.just(1), st.sampled_from([0, 8, 99, 2**32 - 1]))),
    _on(st.builds(frames.priority, st.just(1), st.integers(1, 256), st.sampled_from([0, 1000]), st.booleans())),
    _on(st.builds(frames.window_update, st.just(1), st.sampled_from(INCREMENTS[:3]))),
    st.builds(lambda pairs: frames.settings(*pairs), st.lists(_settings_pair, max_size=4)),
    st.builds(frames.settings_ack),
    st.builds(frames.ping, st.binary(min_size=8, max_size=8), st.booleans()),
    st.builds(frames.window_update, st.just(0), st.sampled_from(INCREMENTS[:3])),
    st.builds(frames.unknown, st.sampled_from([0xB, 0xC, 0x10, 0xBB, 0xFF]), st.just(0), st.just(b"\0\0\0\x01u=1"),
              st.integers(0, 255)),
)

_any_frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(frames.data, _ids, _octets, st.booleans()),
    st.builds(frames.rst_stream, _ids, st.sampled_from([0, 8])),
    st.builds(frames.priority, _ids, st.integers(1, 256), _ids, st.booleans()),
    st.builds(frames.window_update, _ids, st.sampled_from(INCREMENTS)),
    st.builds(frames.goaway, _ids, st.sampled_from([0, 2, 99]), _octets),
    st.builds(frames.continuation, _ids, _octets, st.booleans()),
    st.builds(frames.push_promise, _ids, _ids, _octets, st.booleans()),
    st.builds(frames.altsvc, _ids, st.sampled_from([b"", b"https://a"]), _octets),
    st.builds(frames.priority_update, _ids, _octets, _ids),
    st.builds(lambda n, block, end: frames.headers(n, block, end), _ids, st.sampled_from(BROKEN_BLOCKS), st.booleans()),
    st.builds(lambda n, body: Frame(n, 0, 0, body), st.integers(0, 16), _octets),
    st.builds(frames.ping, st.binary(min_size=8, max_size=8)),
    st.builds(lambda pairs: frames.settings(*pairs), st.lists(_bad_settings_pair, max_size=3)),
)


def _break(frame: Frame, how: int, number: int) -> Frame:
    """A frame with one thing changed."""
    return (
        lambda: frame.flag(number & 0xFF),
        lambda: frame.flag(frames.PADDED),
        lambda: frame.flag(frames.HAS_PRIORITY),
        lambda: frame.on(STREAM_IDS[number % len(STREAM_IDS)]),
        lambda: frame.reserve(),
        lambda: frame.body(frame.payload[:number % (len(frame.payload) + 1)]),
        lambda: frame.body(frame.payload + b"\0" * (number % 9)),
        lambda: frame.pad(number % 256, number % 40),
        lambda: frame.declare(16385 + number),
        lambda: frame.kind(number % 18),
    )[how % 10]()


broken_frames = st.one_of(
    _any_frames,
    st.builds(_break, st.one_of(_any_frames, st.builds(frames.headers, _ids, st.just(hpack.Encoder().encode(GET)))),
              st.integers(0, 9), st.integers(0, 2**16)),
)

raw_conversations = st.tuples(
    _requests,
    long_and_short(st.one_of(legal_steps, legal_steps, server_actions)),
    st.lists(st.one_of(broken_frames, broken_frames, _headers(st.sampled_from([0, 0, *STREAM_IDS]), _lists), legal_steps),
             max_size=5),
).map(lambda parts: [parts[0], *parts[1], *parts[2]])


class RawConversation(Conversation):
    """Frames go to the servers as they are; field blocks are encoded by one encoder."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.encoder = hpack.Encoder()
        pair.receive(bytes(frames.settings()))

    def play_raw(self, steps: list[Any], batch: random.Random) -> None:
        """Carries out the steps, several frames at a time."""
        waiting = b""
        for step in steps:
            if self.pair.over:
                return
            if isinstance(step, Action):
                self.pair.receive(waiting)
                waiting = b""
                getattr(self, f"server_{step.what}")(step)
                continue
            if isinstance(step, Headers):
                waiting += self.encode(step)
            elif isinstance(step, On):
                waiting += bytes(step.frame.on(self.peer_stream(step.which)))
            else:
                waiting += bytes(step)
            if batch.random() < 0.6:
                self.pair.receive(waiting)
                waiting = b""
        self.pair.receive(waiting)

    def peer_stream(self, number: int) -> int:
        """Mostly a stream that the client may still send on; frames that wait to be delivered are not looked at."""
        usable = [stream_id for stream_id, stream in self.pair.h2.streams.items()
                  if stream.state_machine.state in (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL)]
        if number % 8 and usable:
            return usable[number % len(usable)]
        return self.stream(number)

    def encode(self, step: Headers) -> bytes:
        """HEADERS and, where the block is cut, CONTINUATION."""
        block = self.encoder.encode(step.fields)
        stream_id = step.stream_id
        if stream_id == 0:
            # A request takes the next stream, trailers one that is there.
            is_request = any(name.startswith(b":") for name, _ in step.fields)
            stream_id = 2 * len(self.opened) + 1 if is_request else self.peer_stream(step.cuts)
            if is_request:
                self.opened.append(stream_id)
        size = max(1, len(block) // (step.cuts + 1))
        first, *rest = in_frames(stream_id, block, size, step.end_stream, priority=step.priority)
        if step.padding is not None:
            first = first.pad(step.padding)
        return b"".join(bytes(frame) for frame in [first, *rest])


def play_raw(steps: list[Any], seed: int, **options: Any) -> Pair:
    """Plays one raw conversation."""
    pair = Pair(random.Random(seed), **options)
    RawConversation(pair).play_raw(steps, random.Random(seed))
    return pair
