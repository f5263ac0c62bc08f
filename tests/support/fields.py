"""Header blocks: requests, their parts, and blocks that continue a dynamic table."""
from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

import hpack

from . import frames
from .frames import Frame

Fields = list[tuple[bytes, bytes]]

_ORDER = ("method", "scheme", "authority", "path", "protocol", "status")
_DEFAULTS = {"method": b"GET", "scheme": b"https", "authority": b"example.com", "path": b"/"}
_NAME = re.compile(rb"x-[a-z0-9-]+\Z")
_VALUE = re.compile(rb"[!-~]+( [!-~]+)*\Z")

MARK = (b"x-mark", b"still in step")


def octets(value: str | bytes) -> bytes:
    """Text as UTF-8; bytes as they are."""
    return value.encode() if isinstance(value, str) else bytes(value)


def request_fields(*extra: tuple[str | bytes, str | bytes], **pseudo: str | bytes | None) -> Fields:
    """The fields of a GET, with pseudo-headers replaced, added or (None) left out, and regular fields after them."""
    values = {**_DEFAULTS, **pseudo}
    found = [(b":" + name.encode(), octets(values[name])) for name in _ORDER if values.get(name) is not None]
    return found + [(octets(name), octets(value)) for name, value in extra]


def block(fields: Iterable[tuple[str | bytes, str | bytes]]) -> bytes:
    """A header block that any decoder understands, whatever its dynamic table holds (unless it evicts)."""
    return hpack.Encoder().encode([(octets(name), octets(value)) for name, value in fields])


def request(stream_id: int, *extra: tuple[str | bytes, str | bytes], end_stream: bool = True,
            **pseudo: str | bytes | None) -> Frame:
    """A whole request in one HEADERS frame."""
    return frames.headers(stream_id, block(request_fields(*extra, **pseudo)), end_stream=end_stream)


def marked(stream_id: int, fields: Iterable[tuple[str | bytes, str | bytes]], end_stream: bool = True) -> Frame:
    """A HEADERS frame whose block also leaves MARK in the dynamic table, for a later request to refer to."""
    return frames.headers(stream_id, block([*fields, MARK]), end_stream=end_stream)


def in_frames(stream_id: int, octets: bytes, size: int, end_stream: bool = True, **options: Any) -> list[Frame]:
    """A field block cut into HEADERS and CONTINUATION of so many octets each."""
    pieces = [octets[at:at + size] for at in range(0, len(octets), size)] or [b""]
    last = len(pieces) - 1
    return [frames.headers(stream_id, pieces[0], end_stream, last == 0, **options),
            *(frames.continuation(stream_id, piece, n == last) for n, piece in enumerate(pieces) if n)]


def blocks_in(octets: bytes) -> list[bytes]:
    """The header blocks of a client's frames (no preface), padding and priority removed, in order."""
    found = []
    pending = None
    for frame in frames.split_frames(octets):
        if frame.type == frames.HEADERS:
            pending = _fragment(frame)
        elif frame.type == frames.CONTINUATION and pending is not None:
            pending += frame.payload
        else:
            continue
        if frame.flags & frames.END_HEADERS:
            found.append(pending)
            pending = None
    return found


def _fragment(frame: Frame) -> bytes:
    body = frame.payload
    padding = 0
    if frame.flags & frames.PADDED:
        padding, body = body[0], body[1:]
    if frame.flags & frames.HAS_PRIORITY:
        body = body[5:]
    return body[:len(body) - padding]


class Shadow:
    """A decoder that saw what the engine saw, to write the request that shows whether they are in step."""

    def __init__(self) -> None:
        self.decoder = hpack.Decoder(max_header_list_size=1 << 26)
        self.decoder.max_allowed_table_size = 1 << 16

    def see(self, octets: bytes) -> None:
        """Decodes the header blocks of a client's frames."""
        for one in blocks_in(octets):
            self.decoder.decode(one, raw=True)

    def probe(self, stream_id: int) -> tuple[Frame, Fields]:
        """A request that refers to a field the earlier blocks left in the table, and its fields."""
        encoder = hpack.Encoder()
        encoder.header_table = copy.deepcopy(self.decoder.header_table)
        kept = [entry for entry in encoder.header_table.dynamic_entries
                if _NAME.match(entry[0]) and _VALUE.match(entry[1])][:1]
        fields = request_fields(*kept)
        probe = frames.headers(stream_id, encoder.encode(fields), end_stream=True)
        self.decoder.decode(probe.payload, raw=True)
        return probe, fields
