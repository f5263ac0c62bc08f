"""The deliberate differences from h2, each as a predicate with an id; docs/differences.md says why.

A predicate looks at one step of a conversation, with both outcomes, and says
whether this difference, and nothing else, explains them.
"""
from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import hpack

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.describe import describe_all

if TYPE_CHECKING:
    from tests.support.frames import Sent

    from .pair import Side, Step


@dataclass(frozen=True)
class Difference:
    """One entry: ``ends`` says that the two can't be compared any further."""

    id: str
    explains: Callable[[Step], bool]
    ends: bool


ALL: dict[str, Difference] = {}


def difference(id: str, ends: bool = True) -> Callable[[Callable[[Step], bool]], Callable[[Step], bool]]:
    """Registers a predicate."""
    def register(predicate: Callable[[Step], bool]) -> Callable[[Step], bool]:
        ALL[id] = Difference(id, predicate, ends)
        return predicate
    return register


def explain(step: Step) -> Difference | None:
    """The first listed difference that explains a step, or None."""
    for one in ALL.values():
        if one.explains(step):
            return one
    return None


def never(step: Step) -> bool:
    """Explains nothing: the difference can't come up in a conversation."""
    return False


def structural(id: str) -> None:
    """Registers a difference that conversations are arranged around, and that only its own test shows."""
    ALL[id] = Difference(id, never, True)


structural("limits")
structural("closed-streams-remembered")
structural("encoder-table")
structural("unknown-frame-object")
structural("errors-carry-events")
structural("input-after-error-ignored")
structural("refused-calls-change-nothing")
# `test_calls` looks for it in every state, and for the others that only calls show.
structural("arguments-come-first")
structural("clients-do-not-advertise")
structural("setting-identifiers-have-16-bits")
structural("upgrade-settings-are-base64url")


def _raised(error: BaseException | None) -> str:
    return "" if error is None else type(error).__name__


def _code(error: BaseException | None) -> int | None:
    return None if error is None else int(getattr(error, "error_code", -1))


def _stream_of(step: Step) -> int | None:
    """The stream that a call is about."""
    place = {"send_headers": 0, "send_data": 0, "end_stream": 0, "reset_stream": 0, "push_stream": 0, "increment_flow_control_window": 1,
             "acknowledge_received_data": 1}.get(step.name)
    if place is not None and len(step.arguments) > place:
        return step.arguments[place]
    return step.keywords.get("stream_id")


@difference("server-cannot-open-streams")
def _server_opens(step: Step) -> bool:
    return (step.name == "send_headers" and step.h2.error is None and _raised(step.ours.error) == "NoSuchStreamError"
            and _stream_of(step) % 2 == 0 and not step.ours.sent)


@difference("calls-on-absent-streams", ends=False)
def _absent_stream(step: Step) -> bool:
    stream_id = _stream_of(step)
    return (stream_id is not None and step.h2.error is not None and stream_id not in step.pair.ours.streams
            and isinstance(step.ours.error, ProtocolError) and not step.ours.sent)


@difference("more-specific-exceptions")
def _more_specific(step: Step) -> bool:
    ours, theirs = step.ours, step.h2
    return (ours.error is not None and theirs.error is not None
            and _raised(theirs.error) in [kind.__name__ for kind in type(ours.error).__mro__[1:]]
            and _code(ours.error) == _code(theirs.error) and ours.sent == theirs.sent)


def _only_goaway(step: Step, code: int) -> bool:
    """fasth2 ended the connection with this code and sent nothing else but credit."""
    return _code(step.ours.error) == code and [
        (sent.kind, sent.error_code) for sent in step.ours.sent if sent.kind != "WINDOW_UPDATE"] == [("GOAWAY", code)]


def _h2_accepts(step: Step) -> bool:
    """h2 neither raised nor reset anything."""
    return step.h2.error is None and not any(sent.kind in ("RST_STREAM", "GOAWAY") for sent in step.h2.sent)


def _block(step: Step) -> bool:
    """The frame ended a field block."""
    return step.frame is not None and step.frame.type in _BLOCK


def _ends_where_h2_accepts(id: str, code: int, *tokens: str, kinds: tuple[int, ...],
                           only: Callable[[Step], bool] = lambda step: True) -> None:
    """Registers a difference: for these faults fasth2 ends the connection (or, of a malformed message under rfc_errors,
    the stream); h2 takes the frame.
    """
    @difference(id)
    def _explains(step: Step) -> bool:
        return (step.frame is not None and step.frame.type in kinds and bool(step.faults) and step.faults <= set(tokens)
                and _h2_accepts(step) and only(step)
                and ((_only_goaway(step, code) and not step.ours.events) or (kinds == _BLOCK and _only_reset(step))))


def _only_reset(step: Step) -> bool:
    """Under rfc_errors: one stream was reset and reported, nothing else."""
    return (_rfc(step) and step.ours.error is None
            and [sent.kind for sent in step.ours.sent if sent.kind != "WINDOW_UPDATE"] == ["RST_STREAM"]
            and [(type(event).__name__, event.remote_reset) for event in step.ours.events] == [("StreamReset", False)])


_BLOCK = (frames.HEADERS, frames.PUSH_PROMISE, frames.CONTINUATION)

_ends_where_h2_accepts("reset-of-an-idle-stream", 1, "idle_stream", kinds=(frames.RST_STREAM,))
_ends_where_h2_accepts("priority-update", 1, "priority_update_stream", "priority_update_idle", "stream_id_not_zero",
                       kinds=(frames.PRIORITY_UPDATE,))
_ends_where_h2_accepts("priority-update-length", 6, "priority_update_length", kinds=(frames.PRIORITY_UPDATE,))
_ends_where_h2_accepts("content-length-without-content", 1, "body_length", kinds=_BLOCK)
_ends_where_h2_accepts("every-setting-is-checked", 1, "settings_value", kinds=(frames.SETTINGS,),
                       only=lambda step: _bad_settings(step) > 0)
_ends_where_h2_accepts("every-window-setting-is-checked", 3, "settings_window", kinds=(frames.SETTINGS,))
_ends_where_h2_accepts("request-target", 1, "target_octet", "path_form", kinds=_BLOCK)
_ends_where_h2_accepts("userinfo-in-authority", 1, "authority_userinfo", kinds=_BLOCK)
_ends_where_h2_accepts("authority-octets", 1, "authority_empty", "authority_octet", kinds=_BLOCK)
_ends_where_h2_accepts("connect-without-authority", 1, "connect_authority", kinds=_BLOCK)
_ends_where_h2_accepts("content-length-over-63-bits", 1, "content_length", kinds=_BLOCK,
                       only=lambda step: not step.pair.ours.config.client_side or _long_length(step))


def _long_length(step: Step) -> bool:
    """A number of more than 18 digits; responses to HEAD are another difference."""
    return any(name == b"content-length" and len(value) > 18
               for event in step.h2.events for name, value in getattr(event, "headers", None) or ())


@difference("compression-error")
def _compression(step: Step) -> bool:
    return (_block(step) and step.faults == {"compression"} and _only_goaway(step, 9) and _code(step.h2.error) == 1
            and str(step.h2.error).startswith("Error decoding header block"))


@difference("stray-continuation")
def _stray_continuation(step: Step) -> bool:
    return (step.frame is not None and step.frame.type == frames.CONTINUATION and step.faults == {"continuation_stray"}
            and _only_goaway(step, 1) and not _h2_accepts(step))


@difference("settings-acknowledgement-with-payload")
def _ack_payload(step: Step) -> bool:
    return step.faults == {"settings_ack_payload"} and _only_goaway(step, 6) and _code(step.h2.error) == 1


@difference("outgoing-fields")
def _outgoing_fields(step: Step) -> bool:
    return (step.name in ("send_headers", "push_stream") and _raised(step.ours.error) == "ProtocolError"
            and not step.ours.sent
            and (step.h2.error is None or _raised(step.h2.error) == "IndexError")
            and any(_unfit(*header[:2], step.pair.ours.config.normalize_outbound_headers)
                    for header in step.arguments[-1]))


def _unfit(name: str | bytes, value: str | bytes, normalized: bool) -> bool:
    """Whether RFC 9113 section 8.2.1 forbids the field (or the status is none)."""
    name, value = (part.encode() if isinstance(part, str) else part for part in (name, value))
    name = name.strip().lower() if normalized else name.lower()
    if name == b":status":
        return re.fullmatch(rb"[1-9][0-9][0-9]", value) is None
    return re.fullmatch(rb":?[!-9;-@\[-~]+", name) is None or re.search(rb"[\0\r\n]", value) is not None


@difference("sensitive-fields-never-indexed", ends=False)
def _sensitive(step: Step) -> bool:
    def bare(side: Side) -> list[Sent]:
        return [replace(sent, sensitive=()) for sent in side.sent]

    return (step.name in ("send_headers", "push_stream") and not step.pair.ours.config.normalize_outbound_headers
            and step.h2.error is None is step.ours.error and bare(step.h2) == bare(step.ours)
            and any(set(ours.sensitive) > set(theirs.sensitive) for ours, theirs in zip(step.ours.sent, step.h2.sent)))


@difference("empty-header-lists")
def _empty_list(step: Step) -> bool:
    """Nothing is left to encode, perhaps because connection fields were stripped."""
    return (step.name == "send_headers" and _raised(step.h2.error) == "IndexError"
            and all(header[0].strip().lower() in ("connection", "transfer-encoding") for header in step.arguments[1])
            and (isinstance(step.ours.error, ProtocolError)
                 or [(sent.kind, sent.fields) for sent in step.ours.sent] == [("HEADERS", ())]))


@difference("table-sizes-are-announced")
def _table_sizes(step: Step) -> bool:
    """hpack forgets a change of its table's size that is followed by the same size again."""
    return (step.name in ("send_headers", "push_stream") and isinstance(step.h2.error, hpack.HPACKError)
            and step.ours.error is None and step.ours.sent != [])


@difference("goaway-names-the-limit")
def _names_the_limit(step: Step) -> bool:
    """GOAWAY's debug data; whatever else is not alike is another difference."""
    bare = [replace(sent, data=b"") if sent.kind == "GOAWAY" and (sent.data or b"").decode() in _LIMITS else sent
            for sent in step.ours.sent]
    if bare == step.ours.sent:
        return False
    without = replace(step, ours=replace(step.ours, sent=bare))
    return without.ours.plain() == step.h2.plain() or explain(without) is not None


_LIMITS = {"streams_refused", "header_list_size", "header_fields", "continuation_frames", "string_size", "resets",
           "suspicious_frames", "settings_per_frame", "window_updates", "priority_frames"}


@difference("push-promise-at-once")
def _push_promise(step: Step) -> bool:
    return (step.frame is not None and step.frame.type == frames.PUSH_PROMISE and step.faults == {"push_promise"}
            and not step.frame.flags & frames.END_HEADERS and _h2_accepts(step) and _only_goaway(step, 1))


@difference("goaway-reserved-bit")
def _goaway_reserved_bit(step: Step) -> bool:
    if not (step.frame is not None and step.frame.type == frames.GOAWAY and step.frame.payload[:1] >= b"\x80"
            and len(step.ours.events) == len(step.h2.events) == 1):
        return False
    [ours], [theirs] = step.ours.events, step.h2.events
    return (ours.last_stream_id == theirs.last_stream_id & 0x7FFFFFFF and ours.error_code == theirs.error_code
            and ours.additional_data == theirs.additional_data and step.ours.sent == step.h2.sent)


@difference("goaway-after-the-last-stream")
def _last_stream(step: Step) -> bool:
    goaways = [sent for sent in step.ours.sent if sent.kind == "GOAWAY"]
    rest = [sent for sent in step.ours.sent if sent.kind != "GOAWAY"]
    if not _block(step) or [(sent.error_code, sent.last_stream_id) for sent in goaways] != [(0, 2**31 - 1)]:
        return False
    # What the stream itself met may be another difference.
    without = replace(step, ours=replace(step.ours, sent=rest))
    return without.ours.plain() == step.h2.plain() or explain(without) is not None


@difference("undecodable-fields")
def _undecodable(step: Step) -> bool:
    return (_block(step) and step.faults == {"undecodable"} and isinstance(step.h2.error, UnicodeDecodeError)
            and _only_goaway(step, 1))


@difference("frame-size-first")
def _frame_size(step: Step) -> bool:
    """At the ninth octet, before the payload and before anything else that is wrong with the frame."""
    return (step.faults == {"frame_too_large"} and _only_goaway(step, 6)
            and (step.frame is None or not _h2_accepts(step)) and _code(step.h2.error) in (None, 1, 6))


@difference("two-faults-in-one-frame")
def _two_faults(step: Step) -> bool:
    """Both end the connection, each for another of the frame's faults."""
    if step.frame is None or _h2_accepts(step) or [sent.kind for sent in step.ours.sent] != ["GOAWAY"]:
        return False
    if step.frame.type == frames.SETTINGS:
        return step.faults <= {"settings_value", "settings_window"} and _bad_settings(step) > 1
    if step.faults == {"continuation_expected"}:
        # A frame of a wrong length inside a field block.
        return _only_goaway(step, 1) and _code(step.h2.error) == 6
    if _block(step) and step.faults == {"connection_closed"}:
        return _raised(step.h2.error) == "TooManyStreamsError" and step.ours.sent == step.h2.sent
    if _block(step) and step.faults == {"compression"}:
        # h2 looks at the list's size, or at the number of streams, before.
        return _only_goaway(step, 9) and _raised(step.h2.error) in ("DenialOfServiceError", "TooManyStreamsError")
    if _block(step) and step.faults == {"header_list_size"}:
        # Under rfc_errors one stream too many is reset, a list far over the limit is not.
        return _only_goaway(step, 11) and _raised(step.h2.error) == "TooManyStreamsError"
    return (_block(step) and step.faults == {"body_length"} and _only_goaway(step, 1)
            and "depend on itself" in str(step.h2.error))


def _bad_settings(step: Step) -> int:
    """How many of a frame's settings are out of range; a server may only switch pushing off."""
    payload = b"" if step.frame is None else step.frame.payload
    pairs = [struct.unpack_from(">HL", payload, at) for at in range(0, len(payload) - 5, 6)]
    return sum((code == 2 and value > (not _client(step))) or (code == 4 and value >= 2**31) or (code == 8 and value > 1)
               or (code == 5 and not 2**14 <= value < 2**24) for code, value in pairs)


@difference("empty-data-needs-no-window")
def _empty_data(step: Step) -> bool:
    """h2 looks at the window even if the frame takes nothing of it."""
    return (step.frame is not None and step.frame.type == frames.DATA and not step.frame.payload and step.ours.error is None
            and not step.faults and _raised(step.h2.error) == "FlowControlError")


@difference("closed-streams-have-no-window")
def _closed_window(step: Step) -> bool:
    """h2 checks the windows of closed streams, too, until it throws them away."""
    return (step.frame is not None and step.frame.type == frames.SETTINGS and step.ours.error is None
            and _raised(step.h2.error) == "FlowControlError"
            and any(stream.closed for stream in step.pair.h2.streams.values()))


@difference("goaway-never-goes-up")
def _never_goes_up(step: Step) -> bool:
    """A second GOAWAY of ours names no later stream than the first."""
    theirs = [sent for sent in step.h2.sent if sent.kind == "GOAWAY"]
    ours = [sent for sent in step.ours.sent if sent.kind == "GOAWAY"]
    return (step.h2.error is None is step.ours.error and len(ours) == len(theirs) == 1
            and ours[0].last_stream_id < theirs[0].last_stream_id
            and replace(ours[0], last_stream_id=theirs[0].last_stream_id) == theirs[0])


@difference("settings-are-acknowledged-by-frame")
def _acknowledged_by_frame(step: Step) -> bool:
    """h2 takes the acknowledgement of one frame for values of a later one, too."""
    if step.frame is None or step.frame.type != frames.SETTINGS or not step.frame.flags & frames.ACK:
        return False
    if step.ours.error is not None or step.ours.sent or [type(one).__name__ for one in step.ours.events] != ["SettingsAcknowledged"]:
        return False
    # The later value can be one that a window cannot take.
    return _raised(step.h2.error) == "FlowControlError" or (
        step.h2.error is None and not step.h2.sent
        and [type(one).__name__ for one in step.h2.events] == ["SettingsAcknowledged"])


@difference("pushes-after-goaway")
def _push_after_goaway(step: Step) -> bool:
    """Under rfc_errors the connection is open still; h2 refuses everything."""
    return (step.name == "push_stream" and isinstance(step.ours.error, ProtocolError) and not step.ours.sent
            and (step.arguments[1] > 2**31 - 1 or "GOAWAY" in str(step.ours.error)))


@difference("promised-streams-are-limited")
def _promised_limit(step: Step) -> bool:
    """h2 looks at the peer's limit only where it makes the stream, which is before a promised one opens."""
    return (step.name == "send_headers" and step.arguments[0] % 2 == 0 and step.h2.error is None
            and _raised(step.ours.error) == "TooManyStreamsError" and not step.ours.sent)


# Differences that only rfc_errors=True makes.

structural("rfc-goaway-after-a-bad-preface")


@difference("rfc-stream-errors")
def _stream_error(step: Step) -> bool:
    """h2 ends the connection; under rfc_errors one stream is reset and reported."""
    return step.frame is not None and step.h2.error is not None and _only_reset(step)


@difference("rfc-goaway-lets-streams-finish")
def _goaway_is_graceful(step: Step) -> bool:
    """After a GOAWAY of either side h2 refuses what follows."""
    return (_rfc(step) and step.pair.h2.state_machine.state.name == "CLOSED" and step.h2.error is not None
            and "CLOSED" in str(step.h2.error))


@difference("rfc-frames-in-flight")
def _in_flight(step: Step) -> bool:
    """h2 answers frames on a stream it has reset with another RST_STREAM."""
    return (_rfc(step) and step.frame is not None and step.ours.error is step.h2.error is None
            and not step.ours.events and [sent.kind for sent in step.ours.sent] in ([], ["WINDOW_UPDATE"])
            and [sent.kind for sent in step.h2.sent][-1:] == ["RST_STREAM"] and not step.h2.events)


@difference("rfc-length-lists")
def _length_list(step: Step) -> bool:
    return (_rfc(step) and _block(step) and step.ours.error is None and not step.faults
            and "Invalid content-length header: b'5, 5'" in str(step.h2.error))


@difference("rfc-equal-lengths-are-one", ends=False)
def _equal_lengths(step: Step) -> bool:
    """h2 delivers each content-length field of several that are equal."""
    def others(side: Side) -> list[tuple[bytes | str, bytes | str]]:
        return [field for field in side.events[0].headers if field[0] not in (b"content-length", "content-length")]

    kinds = [[type(event).__name__ for event in side.events] for side in (step.h2, step.ours)]
    return (_rfc(step) and _block(step) and step.h2.error is None is step.ours.error and step.h2.sent == step.ours.sent
            and kinds[0] == kinds[1] and kinds[0] != [] and kinds[0][0] in ("RequestReceived", "ResponseReceived")
            and others(step.h2) == others(step.ours)
            and len(step.h2.events[0].headers) > len(step.ours.events[0].headers))


@difference("rfc-padding-may-fill-headers")
def _padding_fills(step: Step) -> bool:
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.HEADERS
            and bool(step.frame.flags & frames.PADDED) and "headers_pad_too_long" not in step.faults
            and _raised(step.h2.error) in ("ProtocolError", "InvalidPaddingError"))


@difference("rfc-reserved-bits")
def _reserved_bits(step: Step) -> bool:
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.WINDOW_UPDATE
            and step.frame.payload[:1] >= b"\x80" and step.h2.error is not None and step.ours.error is None)


@difference("rfc-altsvc-is-ignored")
def _altsvc(step: Step) -> bool:
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.ALTSVC
            and _raised(step.h2.error) == "FrameDataMissingError" and step.ours.plain() == ([], None, [], None))


@difference("rfc-headers-in-a-tunnel")
def _tunnel(step: Step) -> bool:
    return _block(step) and step.faults == {"connected"} and _h2_accepts(step) and _only_reset(step)


@difference("rfc-settings-first")
def _settings_first(step: Step) -> bool:
    return _rfc(step) and step.faults == {"settings_first"} and _h2_accepts(step) and _only_goaway(step, 1)


@difference("rfc-protocol-unasked")
def _protocol_unasked(step: Step) -> bool:
    return _block(step) and step.faults == {"protocol_unasked"} and _h2_accepts(step) and _only_reset(step)


@difference("rfc-no-rfc7540-priorities")
def _no_priorities(step: Step) -> bool:
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.SETTINGS
            and step.faults == {"settings_value"} and _h2_accepts(step) and _only_goaway(step, 1))


@difference("rfc-rfc7540-priorities-are-ignored")
def _priorities_ignored(step: Step) -> bool:
    """The peer's SETTINGS_NO_RFC7540_PRIORITIES is 1: its priorities are not reported, nor looked at for faults."""
    if not _rfc(step) or step.pair.ours.remote_settings.get(frames.NO_RFC7540_PRIORITIES) != 1:
        return False
    if not (_block(step) or (step.frame is not None and step.frame.type == frames.PRIORITY)):
        return False
    theirs = [type(event).__name__ for event in step.h2.events]
    return step.ours.error is None and not step.ours.sent and (
        "depend on itself" in str(step.h2.error)
        or ("PriorityUpdated" in theirs and step.h2.sent == []
            and [type(event).__name__ for event in step.ours.events] == [k for k in theirs if k != "PriorityUpdated"]))


@difference("rfc-promised-streams")
def _promised(step: Step) -> bool:
    return (_rfc(step) and step.frame is not None and step.frame.stream_id % 2 == 0 and _only_goaway(step, 1)
            and step.frame.type in (frames.DATA, frames.HEADERS, frames.WINDOW_UPDATE) and step.faults == {"reserved"})


@difference("rfc-closed-streams-are-not-new")
def _not_new(step: Step) -> bool:
    """h2 counts HEADERS on a stream that is over as one stream more, where there is no room for one."""
    return (_rfc(step) and _block(step) and _raised(step.h2.error) == "TooManyStreamsError"
            and step.frame.stream_id <= step.pair.ours.highest_inbound_stream_id
            and step.faults <= {"closed_by_reset", "stream_closed", "stream_id_too_low"})


@difference("rfc-goaway-once")
def _goaway_once(step: Step) -> bool:
    """A GOAWAY that takes nothing back is not reported again."""
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.GOAWAY
            and step.ours.events == step.ours.sent == [] and step.ours.error is step.h2.error is None
            and [type(event).__name__ for event in step.h2.events] == ["ConnectionTerminated"])


@difference("rfc-window-update-of-0-on-a-closed-stream")
def _zero_on_closed(step: Step) -> bool:
    """There is no stream left to reset, and WINDOW_UPDATE on a closed stream is ignored."""
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.WINDOW_UPDATE
            and step.frame.stream_id not in step.pair.ours.streams and int.from_bytes(step.frame.payload, "big") == 0
            and step.h2.error is not None and step.ours.plain() == ([], None, [], None))


# Differences that only clients meet.

def _client(step: Step) -> bool:
    return step.pair.ours.config.client_side


def _promise(step: Step) -> bool:
    """The frame ended the field block of a promise, or may have."""
    return step.frame is not None and step.frame.type in (frames.PUSH_PROMISE, frames.CONTINUATION)


@difference("response-unasked")
def _unasked(step: Step) -> bool:
    """h2 takes it for a request, which it may find malformed."""
    return _client(step) and _block(step) and step.faults == {"response_unasked"} and _only_goaway(step, 1)


_ends_where_h2_accepts("response-status", 1, "status", kinds=_BLOCK, only=_client)


@difference("head-content-length")
def _head_length(step: Step) -> bool:
    return (_client(step) and _block(step) and step.faults <= {"content_length", "content_length_conflict"}
            and bool(step.faults) and _h2_accepts(step) and (_only_goaway(step, 1) or _only_reset(step)))


@difference("responses-without-content")
def _without_content(step: Step) -> bool:
    """HEAD, 204 and 304: h2 expects what content-length says, or takes content where there can be none."""
    if not _client(step) or step.frame is None or step.frame.type not in (frames.DATA, *_BLOCK):
        return False
    if step.faults == {"body_length"}:
        return step.h2.error is None and (_only_goaway(step, 1) or _only_reset(step))
    return (_raised(step.h2.error) == "InvalidBodyLengthError" and step.ours.error is None and not step.faults
            and not _tunnel_response(step))


def _tunnel_response(step: Step) -> bool:
    stream = None if step.frame is None else step.pair.h2.streams.get(step.frame.stream_id)
    return stream is not None and stream.request_method == b"CONNECT"


@difference("connect-responses")
def _connect_responses(step: Step) -> bool:
    """The content-length of a successful response to CONNECT."""
    return (_client(step) and step.frame is not None and step.frame.type == frames.DATA and step.ours.error is None
            and _raised(step.h2.error) == "InvalidBodyLengthError" and not step.faults and _tunnel_response(step))


@difference("promised-requests")
def _promised_requests(step: Step) -> bool:
    return (_promise(step) and step.faults <= {"promised_method", "promised_content"} and bool(step.faults)
            and step.h2.error is None and step.ours.error is None
            and [(sent.kind, sent.error_code) for sent in step.ours.sent] == [("RST_STREAM", 1)]
            and [type(event).__name__ for event in step.ours.events] == ["StreamReset"])


@difference("promised-identifiers")
def _promised_identifiers(step: Step) -> bool:
    """h2 resets a stream that is promised again, or has another exception."""
    return _promise(step) and step.faults == {"promised_id"} and _only_goaway(step, 1)


@difference("promises-on-ended-requests")
def _ended_requests(step: Step) -> bool:
    """h2 refuses the promise, and closes a request whose response has ended."""
    return _promise(step) and step.faults == {"promise_parent"} and _only_goaway(step, 1) and (
        [sent.kind for sent in step.h2.sent] == ["RST_STREAM"] or _raised(step.h2.error) == "NoSuchStreamError")


@difference("refused-promises-are-used")
def promise_is_refused(step: Step) -> bool:
    """Both refuse it; h2 would take the same identifier again."""
    return (_client(step) and _promise(step) and step.ours.plain() == step.h2.plain()
            and [(sent.kind, sent.stream_id % 2, sent.error_code) for sent in step.ours.sent] == [("RST_STREAM", 0, 7)])


@difference("pushed-streams-are-limited")
def _pushed_limit(step: Step) -> bool:
    """h2 looks at the limit where it makes the stream, not where its response begins."""
    return (_client(step) and _block(step) and step.faults == {"streams_refused"} and _h2_accepts(step)
            and (_raised(step.ours.error) == "TooManyStreamsError" or _only_reset(step)))


@difference("interim-after-the-end")
def _interim_after_the_end(step: Step) -> bool:
    # A stream error; once both sides have ended, a connection error.
    return (_client(step) and _block(step)
            and ((step.faults in ({"half_closed"}, {"closed_by_reset"}) and step.ours.error is None)
                 or (step.faults == {"stream_closed"} and _raised(step.ours.error) == "StreamClosedError"))
            # Of its state machine, or of its check for END_STREAM, which comes before that.
            and "informational" in str(step.h2.error).lower() and [sent.error_code for sent in step.ours.sent] == [5])


@difference("priority-in-a-full-frame")
def _full_frame(step: Step) -> bool:
    """h2 writes a frame that is too long, and then finds that it is."""
    return (_client(step) and step.name == "send_headers" and _raised(step.h2.error) == "AssertionError"
            and step.ours.error is None and [sent.kind for sent in step.ours.sent] == ["HEADERS"])


@difference("identifiers-have-31-bits")
def _31_bits(step: Step) -> bool:
    """h2 cuts the identifier in the frame."""
    return (_client(step) and step.name == "send_headers" and step.arguments[0] > 2**31 - 1 and step.h2.error is None
            and _raised(step.ours.error) == "NoAvailableStreamIDError" and not step.ours.sent)


@difference("priority-update-to-a-client")
def _update_to_client(step: Step) -> bool:
    return step.faults == {"priority_update_server"} and _only_goaway(step, 1) and _h2_accepts(step)


@difference("rfc-protocol-not-announced")
def _not_announced(step: Step) -> bool:
    return (_rfc(step) and _client(step) and step.name == "send_headers" and step.h2.error is None
            and "ENABLE_CONNECT_PROTOCOL" in str(step.ours.error) and not step.ours.sent)


@difference("rfc-goaway-ends-unprocessed-streams")
def _unprocessed(step: Step) -> bool:
    kinds = [type(event).__name__ for event in step.ours.events]
    return (_rfc(step) and step.frame is not None and step.frame.type == frames.GOAWAY and len(kinds) > 1
            and kinds[0] == "ConnectionTerminated" and set(kinds[1:]) == {"StreamReset"}
            and describe_all(step.ours.events[:1]) == describe_all(step.h2.events))


def _rfc(step: Step) -> bool:
    return step.pair.ours.config.rfc_errors
