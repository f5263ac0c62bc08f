"""The limits that protect a connection from a hostile or broken peer.

Each default is a named constant with its reason. Legal traffic stays well
below all of them.
"""
from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Limits"]

#: Streams the peer may have open at once, advertised as
#: SETTINGS_MAX_CONCURRENT_STREAMS. RFC 9113 section 6.5.2 recommends no less.
CONCURRENT_STREAMS = 100

#: Streams reset in a burst, by the peer or for its faults. Aborted page loads
#: reset every stream they opened, a few hundred at most.
RESET_BURST = 1000

#: Further resets allowed per second. Far above the sustained rate of people
#: or proxies, far below the rate of an effective attack.
RESET_RATE = 33

#: Streams refused before the peer has acknowledged our SETTINGS, for ten
#: seconds at most: until then it may not know the limit, and clients open
#: hundreds at once.
EARLY_REFUSALS = 1000

#: Unsent PING and SETTINGS acknowledgments. A peer that reads them never has
#: more than a few.
ACK_BACKLOG = 1000

#: Unsent octets of control frames. A backstop for mixtures of frames that stay
#: below every other limit.
CONTROL_BACKLOG = 65536

#: Frames in a burst that are legal but without useful content: DATA without
#: payload, PRIORITY, PING, SETTINGS, unknown types and the like.
SUSPICIOUS_BURST = 10000

#: Further such frames allowed per second.
SUSPICIOUS_RATE = 330

#: Octets of ignored frames a peer may send before `IGNORED_RATIO` applies.
IGNORED_OCTETS = 1048576

#: Octets of ignored frames allowed beyond that for each useful octet.
IGNORED_RATIO = 8

#: PRIORITY and PRIORITY_UPDATE frames, for the connection and for each stream
#: opened so far. Browsers send a handful for each stream.
PRIORITY_FRAMES = 100

#: WINDOW_UPDATE frames beyond two for each stream opened, twenty for each
#: DATA frame sent and one for each 256 octets of DATA sent. Clients send
#: about one for each frame, or for each 4096 octets that they have consumed.
WINDOW_UPDATES = 100

#: Settings in one SETTINGS frame. Seven are defined; the rest is room for
#: extensions and greasing.
SETTINGS_PER_FRAME = 32

#: Size of a decoded header list in octets, counted as in RFC 9113 section
#: 6.5.2 (name, value and 32 for each field), advertised as
#: SETTINGS_MAX_HEADER_LIST_SIZE. Sufficient for a browser's largest cookies.
HEADER_LIST_SIZE = 65536

#: Fields of a header list, with cookie fields counted before joining.
#: Real requests have under a hundred even with split cookies.
HEADER_FIELDS = 256

#: Frames of one header block, and under rfc_errors one more for each 256 octets
#: of it, since the peer chooses the size of its frames. Sufficient for a list
#: of `HEADER_LIST_SIZE` in frames of one kibibyte.
CONTINUATION_FRAMES = 64

#: Upper bound of the encoder's dynamic table in octets, besides the peer's. RFC
#: 7541's initial size; a larger one costs memory without gain for responses.
ENCODER_TABLE_SIZE = 4096

#: Octets of one decoded header name or value. More would exceed
#: `HEADER_LIST_SIZE` anyway.
STRING_SIZE = 65536

#: Closed streams remembered, to handle late frames correctly.
#: Ten times `CONCURRENT_STREAMS`: a frame in flight is rarely older.
CLOSED_STREAMS = 1000

#: Octets of copied and unsent body of a stream. Six windows of 64 KiB and a
#: little; above that, calls raise FlowControlError.
UNSENT_BODY = 409600

#: Informational responses before the final one, received by a client. 103 and
#: 100 come once or twice.
INFORMATIONAL_RESPONSES = 100

#: Streams that a server has promised and not opened yet, received by a client.
#: As many as it may have open.
PROMISED_STREAMS = 100

_DEFAULTS: dict[str, int | bool] = {
    "concurrent_streams": CONCURRENT_STREAMS,
    "reset_burst": RESET_BURST,
    "reset_rate": RESET_RATE,
    "early_refusals": EARLY_REFUSALS,
    "ack_backlog": ACK_BACKLOG,
    "control_backlog": CONTROL_BACKLOG,
    "suspicious_burst": SUSPICIOUS_BURST,
    "suspicious_rate": SUSPICIOUS_RATE,
    "ignored_octets": IGNORED_OCTETS,
    "ignored_ratio": IGNORED_RATIO,
    "priority_frames": PRIORITY_FRAMES,
    "window_updates": WINDOW_UPDATES,
    "settings_per_frame": SETTINGS_PER_FRAME,
    "header_list_size": HEADER_LIST_SIZE,
    "header_fields": HEADER_FIELDS,
    "continuation_frames": CONTINUATION_FRAMES,
    "encoder_table_size": ENCODER_TABLE_SIZE,
    "string_size": STRING_SIZE,
    "closed_streams": CLOSED_STREAMS,
    "unsent_body": UNSENT_BODY,
    "informational_responses": INFORMATIONAL_RESPONSES,
    "promised_streams": PROMISED_STREAMS,
    "unreleased_requests": True,
}

#: Upper bound of all wire values and useful counts.
_MAXIMUM = 2**31 - 1


class Limits:
    """Limits against hostile peers, for `H2Configuration(limits=...)`.

    Every limit is an ``int`` from 0 to 2**31 - 1, or ``None`` to disable it.
    Instances are immutable; connections may share one.

    Args:
        concurrent_streams: Concurrent streams of the peer; advertised.
        reset_burst: Streams reset in a burst, by the peer before their response
            was complete, or for its faults.
        reset_rate: Further resets allowed per second. ``None`` here or in
            ``reset_burst`` disables both.
        early_refusals: Streams refused before the peer has acknowledged our
            SETTINGS, within ten seconds of the first; ``reset_burst`` counts
            them afterwards.
        ack_backlog: Unsent PING and SETTINGS acknowledgments.
        control_backlog: Unsent octets of control frames.
        suspicious_burst: Frames without useful content in a burst (empty DATA,
            PRIORITY, PING, SETTINGS, unknown types, ...), beyond the budget
            that DATA sent and streams opened provide.
        suspicious_rate: Further such frames allowed per second. ``None`` here
            or in ``suspicious_burst`` disables both.
        ignored_octets: Octets of ignored frames before ``ignored_ratio``
            applies.
        ignored_ratio: Octets of ignored frames allowed beyond that for each
            useful octet. ``None`` here or in ``ignored_octets`` disables both.
        priority_frames: PRIORITY and PRIORITY_UPDATE frames, times one plus
            the streams opened so far.
        window_updates: WINDOW_UPDATE frames beyond two for each stream opened,
            twenty for each DATA frame sent and one for each 256 octets of
            DATA sent.
        settings_per_frame: Settings in one SETTINGS frame.
        header_list_size: Octets of a decoded header list, with 32 added for each
            field (RFC 9113 section 6.5.2); advertised.
        header_fields: Fields of a header list, with cookie fields counted before
            joining.
        continuation_frames: Frames of a header block, HEADERS and CONTINUATION,
            under ``rfc_errors`` beyond one for each 256 octets of it.
        encoder_table_size: Largest size of the encoder's dynamic table in octets.
        string_size: Octets of one decoded header name or value.
        closed_streams: Closed streams remembered.
        unsent_body: Octets of copied, unsent body of a stream.
        informational_responses: Informational (1xx) responses of a stream,
            received by a client.
        promised_streams: Streams that a server has promised and not opened yet,
            received by a client.
        unreleased_requests: True to count a request that was reset, while the
            application still works on it, as a concurrent stream (a ``bool``;
            ``None`` is the same as ``False``).

    Raises:
        TypeError: A limit of another type, or an unknown keyword.
        ValueError: A limit below 0 or above 2**31 - 1.
    """

    __slots__ = tuple(_DEFAULTS)

    concurrent_streams: int | None
    reset_burst: int | None
    reset_rate: int | None
    early_refusals: int | None
    ack_backlog: int | None
    control_backlog: int | None
    suspicious_burst: int | None
    suspicious_rate: int | None
    ignored_octets: int | None
    ignored_ratio: int | None
    priority_frames: int | None
    window_updates: int | None
    settings_per_frame: int | None
    header_list_size: int | None
    header_fields: int | None
    continuation_frames: int | None
    encoder_table_size: int | None
    string_size: int | None
    closed_streams: int | None
    unsent_body: int | None
    informational_responses: int | None
    promised_streams: int | None
    unreleased_requests: bool | None

    def __init__(
        self,
        *,
        concurrent_streams: int | None = CONCURRENT_STREAMS,
        reset_burst: int | None = RESET_BURST,
        reset_rate: int | None = RESET_RATE,
        early_refusals: int | None = EARLY_REFUSALS,
        ack_backlog: int | None = ACK_BACKLOG,
        control_backlog: int | None = CONTROL_BACKLOG,
        suspicious_burst: int | None = SUSPICIOUS_BURST,
        suspicious_rate: int | None = SUSPICIOUS_RATE,
        ignored_octets: int | None = IGNORED_OCTETS,
        ignored_ratio: int | None = IGNORED_RATIO,
        priority_frames: int | None = PRIORITY_FRAMES,
        window_updates: int | None = WINDOW_UPDATES,
        settings_per_frame: int | None = SETTINGS_PER_FRAME,
        header_list_size: int | None = HEADER_LIST_SIZE,
        header_fields: int | None = HEADER_FIELDS,
        continuation_frames: int | None = CONTINUATION_FRAMES,
        encoder_table_size: int | None = ENCODER_TABLE_SIZE,
        string_size: int | None = STRING_SIZE,
        closed_streams: int | None = CLOSED_STREAMS,
        unsent_body: int | None = UNSENT_BODY,
        informational_responses: int | None = INFORMATIONAL_RESPONSES,
        promised_streams: int | None = PROMISED_STREAMS,
        unreleased_requests: bool | None = True,
    ) -> None:
        given = locals()
        for name, default in _DEFAULTS.items():
            value = given[name]
            if value is not None:
                _check(name, value, type(default))
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Limits can't be changed: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Limits can't be changed: cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Limits):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name, default in _DEFAULTS.items()
            if getattr(self, name) is not default and getattr(self, name) != default
        )
        return f"Limits({changed})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, ({name: getattr(self, name) for name in _DEFAULTS},)

    def _values(self) -> tuple[int | bool | None, ...]:
        return tuple(getattr(self, name) for name in _DEFAULTS)


def _check(name: str, value: object, kind: type) -> None:
    if type(value) is not kind and (kind is bool or isinstance(value, bool) or not isinstance(value, int)):
        wanted = "a bool" if kind is bool else "an int"
        raise TypeError(f"{name} must be {wanted} or None, not {type(value).__name__}")
    if isinstance(value, int) and not 0 <= value <= _MAXIMUM:
        raise ValueError(f"{name} must be from 0 to {_MAXIMUM}, not {value}")


def _rebuild(values: dict[str, Any]) -> Limits:
    return Limits(**values)
