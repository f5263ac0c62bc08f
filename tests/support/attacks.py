"""The attacks of docs/security.md as octets, with what must come of each: one table for the engine and for every server."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from . import frames
from .fields import block, request, request_fields
from .frames import PREFACE

PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR = 0x1, 0x3, 0x5, 0x6
REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x7, 0x9, 0xB

#: Where requests go; every server of the tests has it.
PATH = b"/hello"

#: The first stream of a repeated part; those before it are of the beginning.
FIRST = 5

#: What a client says first.
HELLO = PREFACE + frames.settings() + frames.settings_ack()


def get(stream_id: int, *fields: tuple[bytes, bytes], end_stream: bool = True, **pseudo: bytes | None) -> frames.Frame:
    """A request that the servers of the tests answer."""
    pseudo.setdefault("path", PATH)
    return request(stream_id, *fields, end_stream=end_stream, **pseudo)


_GET = block(request_fields(path=PATH))
_UPPER = block(request_fields((b"X-Upper", b"x"), path=PATH))


def ask(stream_id: int, octets: bytes = _GET) -> bytes:
    """A whole request, from a block that was encoded once."""
    return bytes(frames.headers(stream_id, octets, end_stream=True))


def nth(number: int) -> int:
    """The stream of a repetition."""
    return FIRST + 2 * number


@dataclass(frozen=True)
class Attack:
    """One attack.

    `start` and then `times` repetitions of `part` cross a limit, or are a fault, by the last of them; with `nearly`
    of them nothing is counted.
    """

    #: Of docs/security.md.
    row: int

    #: In the words of the table.
    name: str

    #: The counter; the debug data of GOAWAY, too, if a limit is crossed.
    counter: str

    #: The error code.
    code: int

    #: The octets of one repetition, by its number.
    part: Callable[[int], bytes]

    #: Repetitions that cross the default.
    times: int = 1

    #: Sent first; legal.
    start: bytes = b""

    #: The stream that is reset; ``None``: the connection ends.
    stream: int | None = None

    #: False if the client takes no output.
    reads: bool = True

    #: Repetitions that are let through, or other octets for them; ``None``: nine tenths of `times`.
    nearly: int | bytes | None = None

    #: False if the counter is that of a fault, which no GOAWAY names.
    limit: bool = True

    #: False if a client of a server over TLS cannot bring it about: why not is beside it in the table.
    served: bool = True

    #: Counters that a server may cross instead, since its own setting is lower or it takes the output otherwise.
    instead: tuple[str, ...] = field(default=())

    #: The code where a server has answered a request before the frame that is its fault comes.
    answered: int | None = None

    #: Ends the bodies that were begun, so that servers answer their requests.
    finish: bytes = b""

    @property
    def octets(self) -> bytes:
        """All repetitions."""
        return self.repeated(1)

    def repeated(self, factor: int) -> bytes:
        """All repetitions, and so many times as many of what is repeated: rates refill budgets meanwhile."""
        return b"".join(bytes(self.part(number)) for number in range(self.times * factor if self.times > 1 else 1))

    def legal(self, most: int | None = None) -> list[bytes]:
        """Octets that stay at nine tenths of the limit, in the pieces after which output is taken.

        Args:
            most: Nine tenths of a setting that is lower than the default.
        """
        if isinstance(self.nearly, bytes):
            return [self.nearly]
        times = self.times * 9 // 10 if self.nearly is None else self.nearly
        parts = [bytes(self.part(number)) for number in range(times if most is None else min(times, most))]
        return parts if self.reads else [b"".join(parts)]

    def __str__(self) -> str:
        return f"{self.row}-{self.name.replace(' ', '-')}"


def always(frame: frames.Frame | bytes) -> Callable[[int], bytes]:
    """The same frame each time."""
    octets = bytes(frame)
    return lambda number: octets


def _made_you_reset(name: str, frame: Callable[[int], frames.Frame], answered: int | None = None) -> Attack:
    return Attack(2, f"MadeYouReset by {name}", "resets", ENHANCE_YOUR_CALM,
                  lambda number: ask(nth(number)) + frame(nth(number)), 1001, answered=answered)


def _references(count: int, name: bytes = b"x-fat", size: int = 3990) -> bytes:
    """A block with an entry of the table that is referenced so many times."""
    length = b"\x7f" + bytes([(size - 127) % 128 | 128, (size - 127) // 128])
    return _GET + b"\x40" + bytes([len(name)]) + name + length + b"v" * size + b"\xbe" * count


def _blocks(stream_id: int, octets: bytes) -> bytes:
    """A request of a block, in as many frames as it takes."""
    pieces = [octets[at:at + 16384] for at in range(0, len(octets), 16384)]
    last = len(pieces) - 1
    return b"".join(
        bytes(frames.continuation(stream_id, piece, n == last) if n else
              frames.headers(stream_id, piece, True, n == last)) for n, piece in enumerate(pieces))


def _many_fields(count: int, name: bytes = b"a") -> bytes:
    """A block of a request with so many near-empty fields more, by one entry of the table."""
    return _GET + b"\x40" + bytes([len(name)]) + name + b"\0" + b"\xbe" * (count - 1)


def _upload(stream_id: int) -> bytes:
    """The beginning of a request that servers answer once its body has ended."""
    return bytes(get(stream_id, end_stream=False, method=b"POST", path=b"/digest"))


def _malformed(row: int, name: str, counter: str, *fields: tuple[bytes, bytes], **pseudo: bytes | None) -> Attack:
    """A request that is malformed; its neighbours are answered."""
    return Attack(row, name, counter, PROTOCOL_ERROR, always(get(FIRST, *fields, **pseudo)), stream=FIRST,
                  nearly=bytes(get(FIRST)), limit=False)


def _fault(row: int, name: str, counter: str, code: int, octets: frames.Frame | bytes, *, start: bytes = b"",
           nearly: bytes | None = None, stream: int | None = None, served: bool = True) -> Attack:
    """A fault at once: it ends the connection, or its stream."""
    return Attack(row, name, counter, code, always(octets), start=start, stream=stream, limit=False,
                  nearly=bytes(get(FIRST)) if nearly is None else nearly, served=served)


#: A body that does not end; its stream stays open whatever comes.
_OPEN = _upload(1)


def _end(stream_id: int) -> bytes:
    return bytes(frames.data(stream_id, end_stream=True))



_CALM = ENHANCE_YOUR_CALM

#: Of a server that reads many frames before it writes.
_UNREAD = ("ack_backlog", "control_backlog")

FLOODS = (
    Attack(1, "Rapid Reset", "resets", _CALM, lambda number: ask(nth(number)) + frames.rst_stream(nth(number)), 1001,
           instead=("suspicious_frames",)),
    _made_you_reset("WINDOW_UPDATE of 0", lambda stream: frames.window_update(stream, 0)),
    _made_you_reset("WINDOW_UPDATE past the largest window", lambda stream: frames.window_update(stream, 2**31 - 1)),
    _made_you_reset("HEADERS", lambda stream: frames.headers(stream, _GET, end_stream=True), STREAM_CLOSED),
    _made_you_reset("DATA", lambda stream: frames.data(stream, b"x"), STREAM_CLOSED),
    _made_you_reset("PRIORITY of six octets", lambda stream: frames.priority(stream).body(b"123456")),
    _made_you_reset("PRIORITY on itself", lambda stream: frames.priority(stream, depends_on=stream)),
    Attack(3, "malformed requests, replies unread", "resets", _CALM, lambda number: ask(nth(number), _UPPER), 1001,
           reads=False),
    Attack(4, "streams over the limit", "resets", _CALM, lambda number: _upload(nth(number)), 1001 + 98,
           start=_OPEN + _upload(3), nearly=98 * 9 // 10,
           finish=b"".join(_end(stream_id) for stream_id in range(1, nth(98 * 9 // 10), 2))),
    Attack(5, "PING, replies unread", "ack_backlog", _CALM, always(frames.ping()), 1001, reads=False,
           instead=("suspicious_frames", *_UNREAD)),
    Attack(5, "PING, replies read", "suspicious_frames", _CALM, always(frames.ping()), 10_000, instead=_UNREAD),
    Attack(6, "SETTINGS, replies unread", "ack_backlog", _CALM, always(frames.settings()), 1001, reads=False,
           instead=("suspicious_frames", *_UNREAD)),
    Attack(6, "SETTINGS, replies read", "suspicious_frames", _CALM, always(frames.settings()), 10_000, instead=_UNREAD),
    Attack(6, "SETTINGS acknowledgements", "suspicious_frames", _CALM, always(frames.settings_ack()), 10_000),
    Attack(7, "large SETTINGS", "settings_per_frame", _CALM, always(frames.settings(*[(0xF0, 1)] * 33)),
           nearly=bytes(frames.settings(*[(0xF0, 1)] * 29)) * 100),
    Attack(8, "empty DATA", "suspicious_frames", _CALM, always(frames.data(1)), 10_000, start=_OPEN,
           finish=_end(1)),
    Attack(8, "empty DATA with padding", "suspicious_frames", _CALM, always(frames.data(1).pad(3)), 10_000, start=_OPEN,
           finish=_end(1)),
    Attack(8, "CONTINUATION without payload", "continuation_frames", PROTOCOL_ERROR,
           always(frames.continuation(FIRST, end_headers=False)), 64, start=bytes(frames.headers(FIRST, end_headers=False)),
           nearly=frames.continuation(FIRST, end_headers=False) * 57 + frames.continuation(FIRST, _GET)),
    Attack(10, "PRIORITY", "priority_frames", _CALM, lambda number: bytes(frames.priority(nth(number))), 101),
    Attack(10, "PRIORITY_UPDATE", "priority_frames", _CALM, lambda number: bytes(frames.priority_update(nth(number % 90))),
           101),
    Attack(11, "unknown frames", "ignored_octets", _CALM,
           lambda number: bytes(frames.unknown(0xBB + number % 64, payload=b"x" * 16384)), 65),
    Attack(11, "small unknown frames", "suspicious_frames", _CALM, always(frames.unknown(payload=b"")), 10_000),
    Attack(11, "ALTSVC", "ignored_octets", _CALM, always(frames.altsvc(0, b"o", b"v" * 16381)), 65),
    Attack(11, "ORIGIN", "ignored_octets", _CALM, always(frames.origin(b"o" * 16382)), 65),
    Attack(12, "GOAWAY with other last streams", "ignored_octets", _CALM,
           lambda number: bytes(frames.goaway(2**31 - 1 - 2 * number, 0, b"d" * 16000)), 67),
    Attack(13, "window dribble", "window_updates", _CALM, always(frames.window_update(0, 1)), 101),
)

BLOCKS = (
    Attack(15, "CONTINUATION without end", "continuation_frames", PROTOCOL_ERROR,
           always(frames.continuation(FIRST, b"\x82" * 16384, end_headers=False)), 5,
           start=bytes(frames.headers(FIRST, end_headers=False)),
           nearly=frames.continuation(FIRST, _references(13), end_headers=False) + frames.continuation(FIRST)),
    Attack(15, "CONTINUATION in small pieces", "continuation_frames", PROTOCOL_ERROR,
           always(frames.continuation(FIRST, b"\x82", end_headers=False)), 64,
           start=bytes(frames.headers(FIRST, end_headers=False)),
           nearly=b"".join(bytes(frames.continuation(FIRST, _GET[at:at + 1], end_headers=False)) for at in range(len(_GET)))
           + frames.continuation(FIRST)),
    Attack(16, "HPACK bomb", "header_list_size", _CALM, always(_blocks(FIRST, _references(17))), stream=FIRST,
           nearly=_blocks(FIRST, _references(13))),
    Attack(16, "large HPACK bomb", "header_list_size", _CALM, always(_blocks(FIRST, _references(12_000))),
           nearly=_blocks(FIRST, _references(13))),
    Attack(17, "near-empty fields", "header_fields", _CALM, always(_blocks(FIRST, _many_fields(300))), stream=FIRST,
           nearly=_blocks(FIRST, _many_fields(226))),
    Attack(17, "thousands of near-empty fields", "header_fields", _CALM, always(_blocks(FIRST, _many_fields(12_000))),
           nearly=_blocks(FIRST, _many_fields(226))),
    Attack(17, "crumbs of a cookie", "header_fields", _CALM, always(_blocks(FIRST, _many_fields(300, b"cookie"))),
           stream=FIRST, nearly=_blocks(FIRST, _many_fields(226, b"cookie"))),
    Attack(18, "trailers over the limit", "header_fields", _CALM,
           always(_upload(FIRST) + frames.headers(FIRST, b"\x40\x01a\x00" + b"\xbe" * 299, end_stream=True)), stream=FIRST,
           nearly=_upload(FIRST) + frames.headers(FIRST, b"\x40\x01a\x00" + b"\xbe" * 225, end_stream=True)),
    _malformed(19, "empty name", "name_empty", (b"", b"x")),
    _fault(20, "integer of 0xFF", "compression", COMPRESSION_ERROR, frames.headers(FIRST, b"\xff" * 200, True)),
    _fault(20, "length of 32 bits", "compression", COMPRESSION_ERROR,
           frames.headers(FIRST, b"\x00\x7f\x80\xff\xff\xff\xff" + b"x" * 20, True)),
    _fault(20, "zeros that never end", "compression", COMPRESSION_ERROR, frames.headers(FIRST, b"\xff" + b"\x80" * 60, True)),
    _fault(21, "EOS", "compression", COMPRESSION_ERROR,
           frames.headers(FIRST, _GET + b"\x00\x01a\x84\xff\xff\xff\xff", True)),
    _fault(21, "padding of zeros", "compression", COMPRESSION_ERROR, frames.headers(FIRST, _GET + b"\x00\x01a\x81\x18", True)),
    _fault(22, "table size over the setting", "compression", COMPRESSION_ERROR, frames.headers(FIRST, b"\x3f\xe2\x1f" + _GET, True)),
    _fault(22, "table size after a field", "compression", COMPRESSION_ERROR, frames.headers(FIRST, _GET + b"\x20", True),
           nearly=bytes(frames.headers(FIRST, b"\x20\x3f\xe1\x1f" + _GET, True))),
    _fault(24, "index of 0", "compression", COMPRESSION_ERROR, frames.headers(FIRST, b"\x80", True)),
    _fault(24, "index past the end", "compression", COMPRESSION_ERROR, frames.headers(FIRST, _GET + b"\xff\x20", True)),
)

FLOW = (
    _fault(30, "window of the connection overflows", "window_overflow", FLOW_CONTROL_ERROR, frames.window_update(0, 2**31 - 1),
           nearly=bytes(frames.window_update(0, 2**31 - 1 - 65535)) + get(FIRST)),
    _fault(30, "window of a stream overflows", "stream_window_overflow", FLOW_CONTROL_ERROR,
           _upload(FIRST) + frames.window_update(FIRST, 2**31 - 1), stream=FIRST,
           nearly=_upload(FIRST) + frames.window_update(FIRST, 2**31 - 1 - 65535)),
    _fault(30, "SETTINGS overflow a window", "window_overflow", FLOW_CONTROL_ERROR,
           frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1)), start=_OPEN + frames.window_update(1, 65536),
           nearly=bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1 - 65536)))),
    Attack(31, "window toggling", "suspicious_frames", _CALM,
           lambda number: bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 1000 if number % 2 else 65535))), 10_000,
           start=_OPEN, finish=_end(1), instead=_UNREAD),
    # Servers return the credit while it arrives, each as its application reads.
    _fault(32, "more DATA than granted", "window_overrun", FLOW_CONTROL_ERROR, bytes(frames.data(1, bytes(16384))) * 4,
           start=_OPEN, nearly=bytes(frames.data(1, bytes(16384))) * 3, served=False),
    _fault(34, "frame size of 0", "settings_value", PROTOCOL_ERROR, frames.settings((frames.MAX_FRAME_SIZE, 0)),
           nearly=bytes(frames.settings((frames.MAX_FRAME_SIZE, 16384)))),
    _fault(34, "frame size of 16,383", "settings_value", PROTOCOL_ERROR, frames.settings((frames.MAX_FRAME_SIZE, 16383)),
           nearly=bytes(frames.settings((frames.MAX_FRAME_SIZE, 2**24 - 1)))),
    _fault(34, "frame size of 2 to the 24th", "settings_value", PROTOCOL_ERROR,
           frames.settings((frames.MAX_FRAME_SIZE, 2**24))),
)

FRAMING = (
    _fault(35, "announced giant", "frame_too_large", FRAME_SIZE_ERROR, frames.data(1).declare(2**24 - 1), start=_OPEN,
           nearly=bytes(frames.data(1, bytes(16384)))),
    _fault(37, "stream 0", "stream_id_zero", PROTOCOL_ERROR, get(0)),
    _fault(37, "even stream", "stream_id_parity", PROTOCOL_ERROR, get(FIRST + 1)),
    _fault(37, "stream lower than before", "stream_id_too_low", PROTOCOL_ERROR, get(3), start=_upload(FIRST),
           nearly=bytes(get(FIRST + 2))),
    _fault(39, "PUSH_PROMISE", "push_promise", PROTOCOL_ERROR, frames.push_promise(1, 2, _GET), start=_OPEN),
    _fault(39, "ENABLE_PUSH of 2", "settings_value", PROTOCOL_ERROR, frames.settings((frames.ENABLE_PUSH, 2)),
           nearly=bytes(frames.settings((frames.ENABLE_PUSH, 1)))),
    _fault(40, "DATA with padding as long as it is", "data_pad_too_long", PROTOCOL_ERROR, frames.data(1, b"ab").pad(5, 0),
           start=_OPEN, nearly=bytes(frames.data(1, b"ab").pad(5))),
    _fault(40, "HEADERS with padding as long as it is", "headers_pad_too_long", PROTOCOL_ERROR,
           get(FIRST).pad(255, 0)),
    _fault(40, "PING of seven octets", "ping_length", FRAME_SIZE_ERROR, frames.ping().body(b"1234567")),
    _fault(40, "stray CONTINUATION", "continuation_stray", PROTOCOL_ERROR, frames.continuation(FIRST, _GET)),
    _fault(40, "a frame inside a header block", "continuation_expected", PROTOCOL_ERROR,
           frames.headers(FIRST, _GET, end_headers=False) + frames.ping()),
)

MESSAGES = (
    _malformed(45, "LF in a value", "value_octet", (b"x", b"a\nb")),
    _malformed(45, "NUL in a value", "value_octet", (b"x", b"a\0b")),
    _malformed(45, "CR in a name", "name_octet", (b"x\ry", b"a")),
    _malformed(46, "space in a path", "target_octet", path=b"/a b"),
    _malformed(46, "space in a method", "target_octet", method=b"GET /x HTTP/1.1"),
    _malformed(46, "path without a slash", "path_form", path=b"hello"),
    _malformed(47, "two lengths", "content_length_conflict", (b"content-length", b"0"), (b"content-length", b"5")),
    _malformed(47, "length with a sign", "content_length", (b"content-length", b"+5")),
    _malformed(47, "length of 2 to the 64th", "content_length", (b"content-length", b"18446744073709551616")),
    _malformed(47, "body that is not there", "body_length", (b"content-length", b"5")),
    _malformed(48, "transfer-encoding", "connection_field", (b"transfer-encoding", b"chunked")),
    _malformed(48, "connection", "connection_field", (b"connection", b"close")),
    _malformed(48, "te", "te", (b"te", b"gzip")),
    _malformed(49, "no method", "method_missing", method=None),
    _malformed(49, "status", "pseudo_response", status=b"200"),
    _fault(49, "pseudo-header fields in trailers", "pseudo_trailers", PROTOCOL_ERROR,
           _upload(FIRST) + frames.headers(FIRST, block([(b":path", b"/")]), end_stream=True), stream=FIRST),
    _malformed(50, "Host that differs", "host_mismatch", (b"host", b"other.example")),
    _malformed(50, "two Hosts", "host_duplicate", (b"host", b"a"), (b"host", b"a"), authority=None),
    _malformed(50, "user information", "authority_userinfo", authority=b"user@example.com"),
    _malformed(50, "slash in an authority", "authority_octet", authority=b"example.com/x"),
    _malformed(51, "upper case", "name_upper", (b"X-Upper", b"x")),
    _malformed(51, "space before a value", "value_padded", (b"x", b" a")),
    _fault(53, "trailers without an end", "trailers_open", PROTOCOL_ERROR,
           _upload(FIRST) + frames.headers(FIRST, block([(b"x", b"y")])), stream=FIRST,
           nearly=_upload(FIRST) + frames.headers(FIRST, block([(b"x", b"y")]), end_stream=True)),
)

#: In the order of docs/security.md.
ATTACKS = (*FLOODS, *BLOCKS, *FLOW, *FRAMING, *MESSAGES)
