"""Each method of h2's connection, in each state of both sides, with good and bad arguments: as in h2, or a listed difference."""
from __future__ import annotations

from collections import defaultdict

import h2.connection
import pytest

from fasth2.exceptions import H2Error

from . import differences
from .calls import CALLS, CLIENT_STATES, SERVER_STATES, Case, Outcome, cases, outcome

#: What Python raises for an argument of the wrong type, or out of range: before the connection's state is looked at.
ARGUMENT_ERRORS = ("TypeError", "ValueError", "AttributeError", "IndexError", "OverflowError")
#: h2's documented exceptions for a stream that is not there, and their bases.
ABSENT = ("NoSuchStreamError", "StreamClosedError", "ProtocolError")

#: What h2 raises -> what fasth2 raises instead for a stream that does not exist: `calls-on-absent-streams`.
FOR_ABSENT_STREAMS = {
    "KeyError": ABSENT, "ProtocolError": ABSENT, "StreamIDTooLowError": ABSENT, "TooManyStreamsError": ABSENT,
    "StreamClosedError": ABSENT, "NoSuchStreamError": ABSENT, "TypeError": ABSENT, "InvalidDataError": ABSENT, "error": ABSENT,
    "ValueError": ("StreamClosedError",), "FlowControlError": ABSENT,
}

#: (method, what h2 raises, what fasth2 raises) where a call has two faults, or h2 fails by accident.
OTHER_FAULTS = {
    ("advertise_alternative_service", "AssertionError", "FrameTooLargeError"),
    ("advertise_alternative_service", "AssertionError", "ProtocolError"),
    ("close_connection", "AssertionError", "FrameTooLargeError"),
    ("initiate_upgrade_connection", "InvalidFrameError", "ProtocolError"),
    ("initiate_upgrade_connection", "InvalidSettingsValueError", "StreamIDTooLowError"),
    ("initiate_upgrade_connection", "StreamIDTooLowError", "ProtocolError"),
    ("prioritize", "InvalidDataError", "ProtocolError"),
    ("prioritize", "error", "ProtocolError"),
    ("push_stream", "StreamClosedError", "ProtocolError"),
    ("send_headers", "IndexError", "ProtocolError"),
    ("send_headers", "ProtocolError", "RFC1122Error"),
    ("send_headers", "StreamIDTooLowError", "RFC1122Error"),
    ("send_headers", "TooManyStreamsError", "ProtocolError"),
    ("update_settings", "ProtocolError", "InvalidSettingsValueError"),
}


def explain(case: Case, theirs: Outcome, mine: Outcome) -> str | None:
    """The identifier of the listed difference, or None."""
    if theirs.error is None:
        return explain_success(case, theirs, mine)
    if mine.error is None:
        if case.method == "receive_data" and case.state == "failed":
            return "input-after-error-ignored"
        return None
    if mine.sent or mine.state != theirs.state:
        return None
    if mine.raised in ARGUMENT_ERRORS:
        return "arguments-come-first"
    names = [kind.__name__ for kind in type(mine.error).__mro__]
    if theirs.raised in names[1:]:
        return "more-specific-exceptions"
    if mine.raised in FOR_ABSENT_STREAMS.get(theirs.raised, ()) and is_absent(case, mine):
        return "calls-on-absent-streams"
    if (case.method, theirs.raised, mine.raised) in OTHER_FAULTS:
        return "two-faults"
    return None


def is_absent(case: Case, mine: Outcome) -> bool:
    """A stream that the call names does not exist."""
    named = [case.keywords.get("stream_id"), *case.arguments[:2]]
    return any(one not in dict(mine.state["streams"]) for one in named if isinstance(one, int) or one is None)


def explain_success(case: Case, theirs: Outcome, mine: Outcome) -> str | None:
    """h2 did it."""
    if mine.error is None:
        if case.method == "close_connection" and theirs.state == mine.state:
            # Its last stream: 2**31 does not fit, and a second GOAWAY never names a later stream than the first.
            return "goaway-never-goes-up" if case.keywords or case.arguments[2:] else None
        return "setting-identifiers-have-16-bits" if case.arguments == ({65535: 1},) else None
    if mine.raised in ARGUMENT_ERRORS:
        return "arguments-come-first"
    if not isinstance(mine.error, H2Error) or mine.sent:
        return None
    if case.method == "send_headers" and mine.raised == "NoSuchStreamError":
        return "server-cannot-open-streams" if not case.client_side else "identifiers-have-31-bits"
    if case.method == "advertise_alternative_service" and case.client_side:
        return "clients-do-not-advertise"
    if case.method in ("prioritize", "push_stream", "send_headers"):
        unfit = [one for one in case.arguments[:2] if isinstance(one, int) and not 0 <= one < 2**31]
        return "identifiers-have-31-bits" if unfit or None in case.arguments or case.arguments[2:3] == (2**31,) else None
    return "upgrade-settings-are-base64url" if case.arguments == (b"!",) else None


def facts(one: Outcome) -> object:
    """What is compared; of a refused call, that it was refused so."""
    return (one.raised, one.state) if one.error is not None else (one.result, one.sent, one.state)


def test_every_method_of_h2_is_called():
    public = {name for name, value in vars(h2.connection.H2Connection).items() if callable(value) and name[0] != "_"}
    assert public == set(CALLS)


@pytest.mark.parametrize("client_side", [False, True])
def test_calls_in_every_state(client_side):
    unexplained, seen = [], set()
    refused: dict[str, dict[str, str]] = defaultdict(dict)
    for case in cases():
        if case.client_side != client_side:
            continue
        theirs, mine = outcome("h2", case), outcome("fasth2", case)
        if mine.raised in ARGUMENT_ERRORS:
            refused[f"{case.method} {case.arguments!r:.200} {case.keywords}"][case.state] = mine.raised
        if facts(theirs) == facts(mine):
            continue
        found = explain(case, theirs, mine)
        seen.add(found)
        if found is None:
            unexplained.append(f"{case}\n  h2: {theirs.error!r} {theirs.sent} {theirs.state}"
                               f"\n  fasth2: {mine.error!r} {mine.sent} {mine.state}")
    assert unexplained == []
    assert seen - {"two-faults"} <= set(differences.ALL)
    assert {"arguments-come-first", "more-specific-exceptions", "calls-on-absent-streams", "two-faults"} <= seen
    # An argument that is no argument is one in every state.
    states = set(CLIENT_STATES if client_side else SERVER_STATES)
    for call, raised in refused.items():
        assert set(raised) == states, call
        assert len(set(raised.values())) == 1, call
