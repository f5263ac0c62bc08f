"""What clients send, as octets that are made fast: millions of them are."""
from __future__ import annotations

from struct import pack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
SETTINGS_ACK = b"\0\0\0\4\1\0\0\0\0"

# :method, :scheme https, :path /, :authority x; then a new entry of the table for each request.
_GET = b"\x82\x87\x84\x01\x01x"
_POST = b"\x83\x87\x84\x01\x01x"


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return pack(">BHBBL", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream_id) + payload


def get(stream_id: int) -> bytes:
    """A request without a body, whose x-id field nobody has sent before."""
    return frame(1, 0x5, stream_id, _GET + b"\x40\x04x-id\x0a%010d" % stream_id)


def post(stream_id: int, ends: bool = False) -> bytes:
    """A request whose body is to come, of unknown length."""
    return frame(1, 0x5 if ends else 0x4, stream_id, _POST + b"\x40\x04x-id\x0a%010d" % stream_id)


def data(stream_id: int, payload: bytes, ends: bool = False) -> bytes:
    """A part of a body."""
    return frame(0, int(ends), stream_id, payload)


def trailers(stream_id: int) -> bytes:
    """Trailers with a field of no value."""
    return frame(1, 0x5, stream_id, b"\x40\x04x-id\x0a%010d\x00\x03x-e\x00" % stream_id)


def reset(stream_id: int, code: int = 8) -> bytes:
    """RST_STREAM."""
    return frame(3, 0, stream_id, pack(">L", code))


def window_update(stream_id: int, octets: int) -> bytes:
    """WINDOW_UPDATE."""
    return frame(8, 0, stream_id, pack(">L", octets))


def settings(*pairs: tuple[int, int]) -> bytes:
    """SETTINGS."""
    return frame(4, 0, 0, b"".join(pack(">HL", *pair) for pair in pairs))


def mixed(first: int, streams: int) -> bytes:
    """Requests on so many streams: seven in ten without a body, then two with one and one with trailers too."""
    sent = []
    for number in range(streams):
        sid = first + 2 * number
        if number % 10 < 7:
            sent.append(get(sid))
        elif number % 10 < 9:
            sent.append(post(sid) + data(sid, b"a" * 40) + data(sid, b"b" * 20, ends=True))
        else:
            sent.append(post(sid) + data(sid, b"c" * 30) + trailers(sid))
    return b"".join(sent)
