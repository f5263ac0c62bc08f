"""The peer of a connection: draws the frames that it sends, legal ones and others, and reads what comes back."""
from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import hpack
from tests.oracle import raw, server_raw
from tests.support import frames
from tests.support.fields import in_frames
from tests.support.frames import Frame, FrameReader, split_frames

from .source import Source
from .windows import Windows

SIZES = (0, 1, 5, 9, 100, 1000, 16384)
INCREMENTS = (1, 10, 1000, 65535, 2**20, 1, 10, 1000, 65535, 2**20, 2**31 - 65536, 2**31 - 1, 0, 0x80000001)
CODES = (0, 1, 2, 3, 5, 7, 8, 11, 13, 99, 2**32 - 1)
SETTINGS = ((1, 0), (1, 64), (1, 4096), (1, 2**32 - 1), (2, 0), (2, 1), (3, 0), (3, 2), (3, 100), (4, 0), (4, 1), (4, 1000), (4, 65535),
            (4, 2**20), (4, 2**31 - 1), (5, 16384), (5, 20000), (5, 2**24 - 1), (6, 100), (8, 1), (9, 1), (0x99, 7))
BAD_SETTINGS = ((2, 2), (4, 2**31), (5, 16383), (5, 2**24), (8, 2), (9, 2))
EXTRA = ((b"x-a", b"1"), (b"x-b", b"v" * 100), (b"cookie", b"a=b"), (b"x-long", b"w" * 3000), (b"te", b"trailers"),
         (b"priority", b"u=1, i"))

STATUS = ((b":status", b"200"), (b":status", b"204"), (b":status", b"304"))


class Peer:
    """The other end of a connection, with an hpack encoder that the connection's decoder must stay in step with.

    Args:
        client_side: Whether the connection is a client; then this is a server.
    """

    def __init__(self, client_side: bool) -> None:
        self.lists: Sequence[Any] = server_raw.FIELD_LISTS if client_side else raw.FIELD_LISTS
        self.bad_lists: Sequence[Any] = server_raw.BAD_FIELD_LISTS if client_side else raw.BAD_FIELD_LISTS
        self.client_side = client_side
        self.encoder = hpack.Encoder()
        #: False once the connection was sent a block that the encoder has not written, or only a part of one.
        self.in_step = True
        self.inside_block = False
        #: False from a change of the size that this encoder uses to the block that announces it.
        self.announced = True
        #: True from a change of the size that the connection's encoder may use to the block that announces it.
        self.resized = False
        self._read_since_resized = False
        self.opened: list[int] = []
        #: The streams on which a server may send DATA.
        self.answered: list[int] = []
        self.promised = 0
        self.windows = Windows()
        self.reader = FrameReader(2**24 - 1, 2**32 - 1)
        self.frame_sizes = [16384]
        self._table_sizes: list[list[int]] = []

    # What it sends

    def stream(self, source: Source) -> int:
        """A stream: mostly one of the latest."""
        number = source.below(32)
        if number >= 30 or not self.opened:
            return (0, 1, 2, 3, 5, 4, 99, 2**31 - 1)[source.below(8)]
        return self.opened[-1 - number % min(len(self.opened), 8)]

    def next_stream(self) -> int:
        """The identifier that a client's next request has."""
        following = max([-1, *(stream_id for stream_id in self.opened if stream_id % 2)]) + 2
        self.opened.append(following)
        return following

    def draw(self, source: Source) -> list[Frame]:
        """Draw what it sends next: a frame, or a field block's frames.

        What may end the connection is rare, so that conversations become long.
        """
        kind = source.below(24)
        if not self.opened and source.below(16) != 15:
            kind = 0
        if kind >= 20 and source.below(8) != 7:
            kind -= 20
        if kind < 8:
            return self._fields(source, bad=kind == 7 and source.below(4) == 3)
        stream_id = self.stream(source)
        if kind < 11:
            if self.answered and source.below(8) != 7:
                stream_id = self.answered[-1 - source.below(min(len(self.answered), 4))]
            size = source.choice(SIZES)
            frame = frames.data(stream_id, bytes([size & 0xFF]) * size, source.below(4) == 3)
            return [frame.pad(source.below(256)) if size < 16000 and source.below(8) == 7 else frame]
        simple = {
            11: lambda: frames.window_update(stream_id, source.choice(INCREMENTS)),
            12: lambda: frames.window_update(0, source.choice(INCREMENTS)),
            13: lambda: frames.rst_stream(stream_id, source.choice(CODES)),
            14: lambda: frames.settings(*(source.choice(SETTINGS) for _ in range(source.below(5)))),
            15: self._acknowledge,
            16: lambda: frames.ping(source.octets(8).ljust(8, b"\0"), source.flag()),
            17: lambda: frames.priority(stream_id, source.below(256) + 1,
                                        source.choice((0, 1, 3, 1000, 0, 1001, 2**31 - 1, stream_id)), source.flag()),
            18: lambda: frames.goaway(source.choice((0, 1, stream_id, 2**31 - 1)), source.choice((0, 0, 0, *CODES)), source.octets(32)),
            19: lambda: source.choice((
                frames.altsvc(stream_id, b"https://a"), frames.altsvc(stream_id), frames.origin(b"https://a"),
                frames.priority_update(stream_id, b"u=1"), frames.priority_update(stream_id, b"u=9, i=?2"))),
            20: lambda: frames.settings(source.choice(SETTINGS), source.choice(BAD_SETTINGS)),
        }
        if kind in simple:
            return [simple[kind]()]
        if kind == 21:
            self.in_step = False
            return [frames.headers(stream_id, source.octets(255), source.flag(), source.flag())]
        if kind == 22:
            self.in_step = False
            return [frames.continuation(stream_id, source.octets(255), source.flag())]
        frame = Frame(source.below(20), source.below(256), stream_id, source.octets(255))
        if frame.type in (frames.HEADERS, frames.CONTINUATION, frames.PUSH_PROMISE):
            self.in_step = False
        if source.below(8) == 7:
            frame = frame.declare(source.below(2**24))
        return [frame]

    def _acknowledge(self) -> Frame:
        for size in self._table_sizes.pop(0) if self._table_sizes else []:
            if size != self.encoder.header_table_size:
                # The encoder need not use what it may; a smaller table it has to announce.
                self.encoder.header_table_size = min(size, 65536)
                self.announced = False
        return frames.settings_ack()

    def _fields(self, source: Source, bad: bool) -> list[Frame]:
        how = source.below(8)
        if self.client_side and how >= 6:
            return self._promise(source)
        fields = [*source.choice(self.bad_lists if bad else self.lists)]
        for _ in range(source.below(4)):
            name, value = source.choice(EXTRA)
            fields.append(hpack.NeverIndexedHeaderTuple(name, value) if source.below(8) == 7 else (name, value))
        is_request = not self.client_side and any(name.startswith(b":") for name, _ in fields)
        stream_id = self.next_stream() if is_request and how < 7 else self.stream(source)
        block = self.encoder.encode(fields, huffman=source.flag())
        cuts = source.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 3))
        # Trailers end their stream.
        ends = source.below(8) != 7 if fields and not fields[0][0].startswith(b":") else source.flag()
        if self.client_side and not bad and not ends and fields and fields[0] in STATUS:
            self.answered.append(stream_id)
        made = in_frames(stream_id, block, len(block) // (cuts + 1) + 1, end_stream=ends)
        if how == 5:
            made[0] = made[0].pad(source.below(256))
        if source.below(16) == 15:
            self.in_step = False
            made.pop()
        return made

    def _promise(self, source: Source) -> list[Frame]:
        promised = self.promised + 2 if source.below(16) < 14 else source.choice((0, 1, 2, self.promised))
        self.promised = max(self.promised, promised & ~1)
        block = self.encoder.encode(source.choice(server_raw.PROMISES))
        first, *rest = in_frames(self.stream(source), block, len(block) // (1 + source.below(2)) + 1)
        first = Frame(frames.PUSH_PROMISE, first.flags & frames.END_HEADERS, first.stream_id,
                      struct.pack(">L", promised) + first.payload)
        self.opened.append(promised)
        return [first, *rest]

    # What the connection takes, and sends

    def was_read(self, frame: Frame) -> None:
        """The connection accepted a frame."""
        self.windows.received(frame)
        if frame.type in (frames.HEADERS, frames.CONTINUATION, frames.PUSH_PROMISE):
            self.inside_block = not frame.flags & frames.END_HEADERS
            self.announced = self.announced or not self.inside_block
        if frame.type == frames.SETTINGS:
            if any(code == frames.HEADER_TABLE_SIZE for code, _ in pairs(frame)):
                self.resized, self._read_since_resized = True, False
            self.frame_sizes += [value for code, value in pairs(frame) if code == frames.MAX_FRAME_SIZE]

    def read(self, output: bytes) -> list[Frame]:
        """Read the connection's output as strictly as a peer may; return its frames."""
        self.reader.max_frame_size = max(self.frame_sizes)
        self.reader.read(output)
        sent = split_frames(output.removeprefix(frames.PREFACE))
        for frame in sent:
            self.windows.sent(frame)
            if frame.type in (frames.HEADERS, frames.PUSH_PROMISE) and self._read_since_resized:
                self.resized = False
            if frame.type == frames.SETTINGS and not frame.flags & frames.ACK:
                self._table_sizes.append([value for code, value in pairs(frame) if code == frames.HEADER_TABLE_SIZE])
        del self.frame_sizes[:-1]
        self._read_since_resized = True
        return sent

    def compare_tables(self, connection: Any) -> None:
        """Assert that both of the connection's HPACK tables are what this end's coders have."""
        if not self.resized:
            mine = connection.encoder.header_table.dynamic_entries
            theirs = list(self.reader.decoder.header_table.dynamic_entries)
            assert mine == theirs, f"the encoder's table is {mine!r:.300}, {theirs!r:.300} by its blocks"
        if self.in_step and self.announced and not self.inside_block:
            mine = connection.decoder.header_table.dynamic_entries
            theirs = list(self.encoder.header_table.dynamic_entries)
            assert len(mine) == len(theirs) and all(
                is_same(one[part], other[part]) for one, other in zip(mine, theirs) for part in (0, 1)
            ), f"the decoder's table is {mine!r:.300}, {theirs!r:.300} by the blocks it was given"


def is_same(part: str | bytes, octets: bytes) -> bool:
    """Return True if a name or value of a decoder's table, which may be text, is these octets."""
    if isinstance(part, bytes):
        return part == octets
    return part.encode() == octets or part.encode("latin-1", "replace") == octets


def pairs(frame: Frame) -> list[tuple[int, int]]:
    """The identifiers and values of a SETTINGS frame."""
    return [struct.unpack_from(">HL", frame.payload, at) for at in range(0, len(frame.payload) - 5, 6)]
