"""Frames as octets, legal or not, and a reader of what the engine sends back.

``Frame`` builds one frame and lets every rule be broken: a length field that
lies, flags and stream identifiers that do not belong, padding longer than the
payload, frames cut anywhere. ``FrameReader`` is the peer's view of the output:
whole frames only, header blocks joined and decoded by one persistent decoder.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA = 0x0
HEADERS = 0x1
PRIORITY = 0x2
RST_STREAM = 0x3
SETTINGS = 0x4
PUSH_PROMISE = 0x5
PING = 0x6
GOAWAY = 0x7
WINDOW_UPDATE = 0x8
CONTINUATION = 0x9
ALTSVC = 0xA
ORIGIN = 0xC
PRIORITY_UPDATE = 0x10

KINDS = {
    DATA: "DATA", HEADERS: "HEADERS", PRIORITY: "PRIORITY", RST_STREAM: "RST_STREAM", SETTINGS: "SETTINGS",
    PUSH_PROMISE: "PUSH_PROMISE", PING: "PING", GOAWAY: "GOAWAY", WINDOW_UPDATE: "WINDOW_UPDATE",
    CONTINUATION: "CONTINUATION", ALTSVC: "ALTSVC", ORIGIN: "ORIGIN", PRIORITY_UPDATE: "PRIORITY_UPDATE",
}

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

HEADER_TABLE_SIZE = 0x1
ENABLE_PUSH = 0x2
MAX_CONCURRENT_STREAMS = 0x3
INITIAL_WINDOW_SIZE = 0x4
MAX_FRAME_SIZE = 0x5
MAX_HEADER_LIST_SIZE = 0x6
ENABLE_CONNECT_PROTOCOL = 0x8
NO_RFC7540_PRIORITIES = 0x9


class Frame:
    """One frame under construction. Every method returns a changed copy."""

    __slots__ = ("type", "flags", "stream_id", "payload", "declared", "reserved")

    def __init__(self, type: int, flags: int = 0, stream_id: int = 0, payload: bytes = b"") -> None:
        self.type = type
        self.flags = flags
        self.stream_id = stream_id
        self.payload = bytes(payload)
        self.declared: int | None = None
        self.reserved = False

    def _changed(self, **changes: object) -> Frame:
        copy = Frame(self.type, self.flags, self.stream_id, self.payload)
        copy.declared, copy.reserved = self.declared, self.reserved
        for name, value in changes.items():
            setattr(copy, name, value)
        return copy

    def flag(self, bits: int) -> Frame:
        """Sets flags, whether the type defines them or not."""
        return self._changed(flags=self.flags | bits)

    def unflag(self, bits: int) -> Frame:
        """Clears flags and leaves the payload as it is."""
        return self._changed(flags=self.flags & ~bits)

    def on(self, stream_id: int) -> Frame:
        """Moves the frame to any stream identifier, 0 included."""
        return self._changed(stream_id=stream_id)

    def kind(self, type: int) -> Frame:
        """Changes the type octet alone."""
        return self._changed(type=type)

    def body(self, payload: bytes) -> Frame:
        """Replaces the payload; the length field follows unless ``declare`` fixed it."""
        return self._changed(payload=bytes(payload))

    def declare(self, length: int) -> Frame:
        """Fixes the length field, whatever the payload's length is."""
        return self._changed(declared=length)

    def reserve(self) -> Frame:
        """Sets the reserved bit before the stream identifier."""
        return self._changed(reserved=True)

    def pad(self, length: int, octets: int | None = None, fill: bytes = b"\0") -> Frame:
        """Adds PADDED and a pad length; ``octets`` says how many follow in truth (default: ``length``)."""
        octets = length if octets is None else octets
        return self._changed(flags=self.flags | PADDED, payload=bytes([length]) + self.payload + fill * octets)

    @property
    def head(self) -> bytes:
        """The nine octets before the payload."""
        length = len(self.payload) if self.declared is None else self.declared
        stream_id = self.stream_id | (0x80000000 if self.reserved else 0)
        return struct.pack(">BHBBL", length >> 16, length & 0xFFFF, self.type, self.flags, stream_id)

    def cut(self, octets: int) -> bytes:
        """The first ``octets`` octets of the frame (negative: all but so many)."""
        return bytes(self)[:octets]

    def __bytes__(self) -> bytes:
        return self.head + self.payload

    def __len__(self) -> int:
        return 9 + len(self.payload)

    def __add__(self, other: Frame | bytes) -> bytes:
        return bytes(self) + bytes(other)

    def __radd__(self, other: Frame | bytes) -> bytes:
        return bytes(other) + bytes(self)

    def __mul__(self, times: int) -> bytes:
        return bytes(self) * times

    def __repr__(self) -> str:
        kind = KINDS.get(self.type, hex(self.type))
        return f"<{kind} stream={self.stream_id} flags={self.flags:#x} payload={self.payload[:24].hex()}>"


def data(stream_id: int, payload: bytes = b"", end_stream: bool = False) -> Frame:
    """A DATA frame."""
    return Frame(DATA, END_STREAM if end_stream else 0, stream_id, payload)


def headers(stream_id: int, block: bytes = b"", end_stream: bool = False, end_headers: bool = True,
            priority: tuple[int, int, bool] | None = None) -> Frame:
    """A HEADERS frame; ``priority`` is (weight 1 to 256, depends_on, exclusive)."""
    flags = (END_STREAM if end_stream else 0) | (END_HEADERS if end_headers else 0)
    if priority is not None:
        flags |= HAS_PRIORITY
        block = _priority_fields(*priority) + block
    return Frame(HEADERS, flags, stream_id, block)


def priority(stream_id: int, weight: int = 16, depends_on: int = 0, exclusive: bool = False) -> Frame:
    """A PRIORITY frame; ``weight`` is 1 to 256."""
    return Frame(PRIORITY, 0, stream_id, _priority_fields(weight, depends_on, exclusive))


def rst_stream(stream_id: int, error_code: int = 0x8) -> Frame:
    """An RST_STREAM frame."""
    return Frame(RST_STREAM, 0, stream_id, struct.pack(">L", error_code))


def settings(*pairs: tuple[int, int]) -> Frame:
    """A SETTINGS frame with the pairs in the order given, duplicates included."""
    return Frame(SETTINGS, 0, 0, b"".join(struct.pack(">HL", identifier, value) for identifier, value in pairs))


def settings_ack() -> Frame:
    """A SETTINGS frame with ACK."""
    return Frame(SETTINGS, ACK)


def push_promise(stream_id: int, promised: int, block: bytes = b"", end_headers: bool = True) -> Frame:
    """A PUSH_PROMISE frame."""
    return Frame(PUSH_PROMISE, END_HEADERS if end_headers else 0, stream_id, struct.pack(">L", promised) + block)


def ping(opaque: bytes = b"\0" * 8, ack: bool = False) -> Frame:
    """A PING frame."""
    return Frame(PING, ACK if ack else 0, 0, opaque)


def goaway(last_stream_id: int = 0, error_code: int = 0, debug: bytes = b"") -> Frame:
    """A GOAWAY frame."""
    return Frame(GOAWAY, 0, 0, struct.pack(">LL", last_stream_id, error_code) + debug)


def window_update(stream_id: int, increment: int) -> Frame:
    """A WINDOW_UPDATE frame; ``increment`` may be 0 or carry the reserved bit."""
    return Frame(WINDOW_UPDATE, 0, stream_id, struct.pack(">L", increment))


def continuation(stream_id: int, block: bytes = b"", end_headers: bool = True) -> Frame:
    """A CONTINUATION frame."""
    return Frame(CONTINUATION, END_HEADERS if end_headers else 0, stream_id, block)


def altsvc(stream_id: int, origin: bytes = b"", value: bytes = b'h2=":443"') -> Frame:
    """An ALTSVC frame (RFC 7838)."""
    return Frame(ALTSVC, 0, stream_id, struct.pack(">H", len(origin)) + origin + value)


def origin(*origins: bytes, stream_id: int = 0) -> Frame:
    """An ORIGIN frame (RFC 8336)."""
    return Frame(ORIGIN, 0, stream_id, b"".join(struct.pack(">H", len(o)) + o for o in origins))


def priority_update(prioritized: int, value: bytes = b"u=3", stream_id: int = 0) -> Frame:
    """A PRIORITY_UPDATE frame (RFC 9218)."""
    return Frame(PRIORITY_UPDATE, 0, stream_id, struct.pack(">L", prioritized) + value)


def unknown(type: int = 0xBB, stream_id: int = 0, payload: bytes = b"?", flags: int = 0) -> Frame:
    """A frame of a type nobody defined."""
    return Frame(type, flags, stream_id, payload)


def _priority_fields(weight: int, depends_on: int, exclusive: bool) -> bytes:
    return struct.pack(">LB", depends_on | (0x80000000 if exclusive else 0), weight - 1)


def split_frames(octets: bytes) -> list[Frame]:
    """Cuts octets (no preface) into frames; what is left over must be nothing."""
    frames = []
    at = 0
    while at < len(octets):
        if len(octets) - at < 9:
            raise AssertionError(f"{len(octets) - at} octets left over: {octets[at:].hex()}")
        high, low, kind, flags, stream_id = struct.unpack_from(">BHBBL", octets, at)
        length = high << 16 | low
        payload = octets[at + 9:at + 9 + length]
        if len(payload) != length:
            raise AssertionError(f"frame of {length} octets has only {len(payload)}")
        frame = Frame(kind, flags, stream_id & 0x7FFFFFFF, payload)
        frame.reserved = bool(stream_id >> 31)
        frames.append(frame)
        at += 9 + length
    return frames


@dataclass(frozen=True)
class Sent:
    """One frame that the engine sent; a header block counts as one frame with its fields decoded."""

    kind: str
    stream_id: int = 0
    end_stream: bool = False
    ack: bool = False
    fields: tuple[tuple[bytes, bytes], ...] | None = None
    sensitive: tuple[bytes, ...] = ()
    data: bytes | None = None
    padding: int | None = None
    error_code: int | None = None
    last_stream_id: int | None = None
    increment: int | None = None
    settings: tuple[tuple[int, int], ...] | None = None
    opaque: bytes | None = None
    promised: int | None = None
    priority: tuple[int, int, bool] | None = None


class FrameReader:
    """Reads an engine's output, after a client's preface, as a strict peer does.

    Args:
        max_frame_size: the largest payload the peer accepts, in octets.
        table_size: the largest dynamic table the peer's decoder allows, in octets.
    """

    def __init__(self, max_frame_size: int = 16384, table_size: int = 4096) -> None:
        self.max_frame_size = max_frame_size
        self.decoder = hpack.Decoder(max_header_list_size=1 << 24)
        self.decoder.max_allowed_table_size = table_size
        self.sent: list[Sent] = []
        self.block_octets = 0
        self._pending: tuple[Frame, bytes] | None = None

    def read(self, octets: bytes) -> list[Sent]:
        """Reads whole frames and returns what they say, in order."""
        new = []
        for frame in split_frames(octets.removeprefix(PREFACE)):
            assert len(frame.payload) <= self.max_frame_size, f"{frame!r} is over the peer's frame size"
            assert not frame.reserved, f"{frame!r} has the reserved bit set"
            sent = self._one(frame)
            if sent is not None:
                new.append(sent)
        assert self._pending is None, "a header block was left unfinished"
        self.sent.extend(new)
        return new

    def _one(self, frame: Frame) -> Sent | None:
        if self._pending is not None:
            first, block = self._pending
            assert frame.type == CONTINUATION and frame.stream_id == first.stream_id, f"{frame!r} inside a block"
            return self._block(first, block + frame.payload, frame.flags)
        kind = KINDS[frame.type]
        assert kind != "CONTINUATION", "CONTINUATION without HEADERS"
        on_stream = kind in ("DATA", "HEADERS", "RST_STREAM", "PUSH_PROMISE", "PRIORITY")
        assert on_stream == bool(frame.stream_id) or kind in ("WINDOW_UPDATE", "ALTSVC"), f"{frame!r}: wrong stream"
        body = frame.payload
        if kind in ("HEADERS", "PUSH_PROMISE"):
            assert not frame.flags & PADDED, f"{frame!r}: padding unasked"
            before = 4 if kind == "PUSH_PROMISE" else 5 if frame.flags & HAS_PRIORITY else 0
            return self._block(frame, body[before:], frame.flags)
        if kind == "PRIORITY":
            assert len(body) == 5, f"{frame!r}: wrong length"
            return Sent(kind, frame.stream_id, priority=_priority_of(body))
        if kind == "DATA":
            padding = None
            if frame.flags & PADDED:
                padding = body[0]
                assert padding < len(body), f"{frame!r}: padding too long"
                body = body[1:len(body) - padding]
            return Sent(kind, frame.stream_id, end_stream=bool(frame.flags & END_STREAM), data=body, padding=padding)
        if kind == "RST_STREAM":
            return Sent(kind, frame.stream_id, error_code=struct.unpack(">L", body)[0])
        if kind == "SETTINGS":
            assert len(body) % 6 == 0 and not (frame.flags & ACK and body), f"{frame!r}: wrong length"
            pairs = tuple(struct.unpack_from(">HL", body, at) for at in range(0, len(body), 6))
            return Sent(kind, ack=bool(frame.flags & ACK), settings=pairs)
        if kind == "PING":
            assert len(body) == 8, f"{frame!r}: wrong length"
            return Sent(kind, ack=bool(frame.flags & ACK), opaque=body)
        if kind == "GOAWAY":
            last, code = struct.unpack_from(">LL", body)
            return Sent(kind, last_stream_id=last, error_code=code, data=body[8:])
        if kind == "WINDOW_UPDATE":
            increment = struct.unpack(">L", body)[0]
            assert 1 <= increment <= 2**31 - 1, f"{frame!r}: increment {increment}"
            return Sent(kind, frame.stream_id, increment=increment)
        return Sent(kind, frame.stream_id, data=body)

    def _block(self, first: Frame, block: bytes, flags: int) -> Sent | None:
        if not flags & END_HEADERS:
            self._pending = (first, block)
            return None
        self._pending = None
        self.block_octets += len(block)
        fields = self.decoder.decode(block, raw=True)
        promised = struct.unpack_from(">L", first.payload)[0] if first.type == PUSH_PROMISE else None
        has_priority = first.type == HEADERS and first.flags & HAS_PRIORITY
        return Sent(
            KINDS[first.type], first.stream_id, end_stream=bool(first.flags & END_STREAM), promised=promised,
            fields=tuple((bytes(name), bytes(value)) for name, value in fields),
            sensitive=tuple(bytes(field[0]) for field in fields if not field.indexable),
            priority=_priority_of(first.payload) if has_priority else None,
        )


def _priority_of(octets: bytes) -> tuple[int, int, bool]:
    """Weight, parent and exclusive flag."""
    word, weight = struct.unpack_from(">LB", octets)
    return weight + 1, word & 0x7FFFFFFF, bool(word >> 31)
