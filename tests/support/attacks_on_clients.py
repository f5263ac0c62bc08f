"""What hostile servers send to a client that has asked on stream 1: the second table of attacks of docs/security.md."""
from __future__ import annotations

from . import frames
from .attacks import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, PROTOCOL_ERROR, Attack, always
from .client import fields, promise, response

_CALM = ENHANCE_YOUR_CALM

#: The response of stream 1 goes on.
_BEGUN = bytes(response(1))

_INTERIM = response(1, status="103")


def _promised(number: int) -> int:
    return 2 + 2 * number


def _promise_and_reset(number: int) -> bytes:
    return promise(1, _promised(number)) + frames.rst_stream(_promised(number))


#: A client resets stream 1 for these, or ends the connection.
ATTACKS_ON_CLIENTS = (
    Attack(54, "informational responses without end", "informational_responses", _CALM, always(_INTERIM), 101, stream=1),
    Attack(60, "promises without responses", "resets", _CALM, lambda number: bytes(promise(1, _promised(number))), 1101,
           start=_BEGUN, nearly=90),
    Attack(60, "promises that are reset", "resets", _CALM, _promise_and_reset, 1001, start=_BEGUN),
    Attack(60, "promise without a request", "promise_parent", PROTOCOL_ERROR, always(promise(3, 2)), limit=False,
           nearly=bytes(promise(1, 2))),
    Attack(61, "response nobody asked for", "stream_id_parity", PROTOCOL_ERROR, always(response(3)), limit=False, nearly=_BEGUN),
    Attack(61, "response on a stream nobody promised", "response_unasked", PROTOCOL_ERROR, always(response(2)), limit=False,
           nearly=_BEGUN),
    Attack(61, "body before its response", "data_early", PROTOCOL_ERROR, always(frames.data(1, b"x")), limit=False,
           stream=1, nearly=_BEGUN + frames.data(1, b"x")),
    Attack(62, "PING, replies unread", "ack_backlog", _CALM, always(frames.ping()), 1001, reads=False),
    Attack(62, "PING", "suspicious_frames", _CALM, always(frames.ping()), 10_000),
    Attack(62, "SETTINGS", "suspicious_frames", _CALM, always(frames.settings()), 10_000),
    Attack(62, "large SETTINGS", "settings_per_frame", _CALM, always(frames.settings(*[(0xF0, 1)] * 33)),
           nearly=bytes(frames.settings(*[(0xF0, 1)] * 29)) * 100),
    Attack(62, "empty DATA", "suspicious_frames", _CALM, always(frames.data(1)), 10_000, start=_BEGUN),
    Attack(62, "ALTSVC", "suspicious_frames", _CALM, always(frames.altsvc(0, b"https://example.com")), 10_000),
    Attack(62, "ORIGIN", "suspicious_frames", _CALM, always(frames.origin(b"https://example.com")), 10_000),
    Attack(62, "large ORIGIN", "ignored_octets", _CALM, always(frames.origin(b"o" * 16382)), 65),
    Attack(62, "unknown frames", "ignored_octets", _CALM, always(frames.unknown(payload=b"x" * 16384)), 65),
    Attack(62, "WINDOW_UPDATE", "window_updates", _CALM, always(frames.window_update(0, 1)), 103),
    Attack(63, "response of 300 fields", "header_fields", _CALM,
           always(frames.headers(1, b"\x88\x40\x01a\x00" + b"\xbe" * 298)), stream=1,
           nearly=bytes(frames.headers(1, b"\x88\x40\x01a\x00" + b"\xbe" * 226))),
    Attack(63, "trailers of 300 fields", "header_fields", _CALM,
           always(frames.headers(1, b"\x40\x01a\x00" + b"\xbe" * 299, end_stream=True)), start=_BEGUN, stream=1,
           nearly=bytes(frames.headers(1, b"\x40\x01a\x00" + b"\xbe" * 225, end_stream=True))),
    Attack(63, "trailers of 12,000 fields", "header_fields", _CALM,
           always(frames.headers(1, b"\x40\x01a\x00" + b"\xbe" * 12_000, end_stream=True)), start=_BEGUN,
           nearly=bytes(frames.headers(1, b"\x40\x01a\x00" + b"\xbe" * 225, end_stream=True))),
    Attack(63, "CONTINUATION without end", "continuation_frames", PROTOCOL_ERROR,
           always(frames.continuation(1, end_headers=False)), 64, start=bytes(frames.headers(1, b"\x88", end_headers=False)),
           nearly=frames.continuation(1, end_headers=False) * 57 + frames.continuation(1)),
    Attack(63, "promise of 300 fields", "header_fields", _CALM,
           always(frames.push_promise(1, 2, promise(1, 2).payload[4:] + b"\x40\x01a\x00" + b"\xbe" * 298)), start=_BEGUN,
           stream=2, nearly=bytes(promise(1, 2))),
    Attack(63, "index past the end", "compression", COMPRESSION_ERROR, always(frames.headers(1, b"\xff\x20")), limit=False,
           nearly=_BEGUN),
    Attack(64, "more DATA than granted", "window_overrun", FLOW_CONTROL_ERROR, always(frames.data(1, bytes(16384)) * 4),
           start=_BEGUN, limit=False, nearly=frames.data(1, bytes(16384)) * 3),
    Attack(64, "pseudo-header fields in trailers", "pseudo_trailers", PROTOCOL_ERROR,
           always(fields(1, [(":status", "200")], end_stream=True)), start=_BEGUN, limit=False, stream=1,
           nearly=bytes(fields(1, [("x", "y")], end_stream=True))),
)
