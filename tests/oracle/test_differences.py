"""Every deliberate difference from h2 is listed twice, alike, and shown."""
from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.exceptions
import pytest

import fasth2.exceptions
from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from tests.support import frames
from tests.support.client import promise, response
from tests.support.fields import block, request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import RESPONSE

from . import differences
from .calls import Case, outcome
from .pair import Pair

#: What is said of the engine; tests/gunicorn/same_answers checks the rest.
DOCUMENT = (Path(__file__).parents[2] / "docs" / "differences.md").read_text().partition("\n## Under gunicorn\n")[0]

OPEN = request(1, end_stream=False)
STATUS = [(":status", "200")]
ASK = ("send_headers", 1, request_fields())
CLIENT = {"client_side": True}


class Call:
    """A call with keywords."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self.arguments = arguments
        self.keywords = keywords


def listed() -> dict[str, str]:
    """The ids in docs/differences.md and what is said about each."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert len(rows) == len({id for id, _ in rows}), "an id is listed twice"
    return dict(rows)


def test_the_document_and_the_predicates_have_the_same_ids():
    """docs/differences.md and tests/oracle/differences.py."""
    assert list(listed()) == list(differences.ALL)


@pytest.mark.parametrize("id", list(differences.ALL))
def test_each_difference_is_demanded_by_a_sentence_of_an_rfc_or_by_the_design(id):
    """The last column names the RFC's section, the threat, the limit or the rule of the design."""
    reason = listed()[id].rsplit("|", 1)[-1]
    assert re.search(r"RFC \d{4}|security\.md|design", reason), reason


#: For each difference that a conversation can meet: keywords for fasth2, keywords for both, and the steps.
SHOWN: dict[str, tuple[dict[str, Any], dict[str, Any], list[Any]]] = {
    "server-cannot-open-streams": ({}, {}, [OPEN, ("send_headers", 2, request_fields())]),
    "calls-on-absent-streams": ({}, {}, [request(1), frames.rst_stream(1), request(3),
                                         ("increment_flow_control_window", 5, 1)]),
    "more-specific-exceptions": ({}, {}, [frames.data(1, b"x")]),
    "reset-of-an-idle-stream": ({}, {}, [OPEN, frames.rst_stream(3)]),
    "priority-update": ({}, {}, [OPEN, frames.priority_update(0)]),
    "priority-update-length": ({}, {}, [OPEN, frames.priority_update(0).body(b"123")]),
    "content-length-without-content": ({}, {}, [request(1, ("content-length", "5"))]),
    "every-setting-is-checked": ({}, {}, [frames.settings((frames.ENABLE_PUSH, 2), (frames.ENABLE_PUSH, 0))]),
    "every-window-setting-is-checked": ({}, {}, [
        frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31), (frames.INITIAL_WINDOW_SIZE, 0))]),
    "request-target": ({}, {}, [request(1, path="/a b")]),
    "userinfo-in-authority": ({}, {}, [request(1, authority="user@example.com")]),
    "authority-octets": ({}, {}, [request(1, authority="a b")]),
    "connect-without-authority": ({}, {}, [
        request(1, ("host", "a"), method="CONNECT", scheme=None, path=None, authority=None)]),
    "content-length-over-63-bits": ({}, {}, [request(1, ("content-length", "9" * 30), end_stream=False)]),
    "compression-error": ({}, {}, [frames.headers(1, b"\x80")]),
    "stray-continuation": ({}, {}, [OPEN, ("reset_stream", 1), request(3), frames.continuation(1, b"\x82")]),
    "settings-acknowledgement-with-payload": ({}, {}, [frames.settings_ack().body(b"123456")]),
    "outgoing-fields": ({}, {}, [OPEN, ("send_headers", 1, [*STATUS, ("x", "a\r\nb")])]),
    "sensitive-fields-never-indexed": ({}, {"normalize_outbound_headers": False}, [
        OPEN, ("send_headers", 1, [*STATUS, ("authorization", "secret")])]),
    "empty-header-lists": ({}, {}, [
        OPEN, ("send_headers", 1, STATUS), ("send_headers", 1, [("connection", "close")], True)]),
    "table-sizes-are-announced": ({}, {}, [
        frames.settings((frames.HEADER_TABLE_SIZE, 65536)), frames.settings((frames.HEADER_TABLE_SIZE, 65536)), OPEN,
        ("send_headers", 1, [*STATUS, *((f"x-{n}", "v" * 500) for n in range(20)), ("x-0", "v" * 500)])]),
    # Far over the limit: one field again and again.
    "goaway-names-the-limit": ({"rfc_errors": True}, {}, [request(1, *[("x-n", "v" * 4000)] * 80)]),
    "push-promise-at-once": ({}, {}, [OPEN, frames.push_promise(1, 2, b"", end_headers=False)]),
    "goaway-reserved-bit": ({}, {}, [OPEN, frames.goaway(0x80000001)]),
    "goaway-after-the-last-stream": ({}, {}, [request(2**31 - 1)]),
    "undecodable-fields": ({}, {"header_encoding": "utf-8"}, [request(1, ("x", b"\xff"))]),
    "frame-size-first": ({}, {}, [OPEN, frames.data(1).declare(20000).head]),
    "two-faults-in-one-frame": ({}, {}, [frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31), (frames.ENABLE_PUSH, 2),
                                                         (frames.INITIAL_WINDOW_SIZE, 0))]),
    "empty-data-needs-no-window": ({}, {}, [
        frames.settings_ack(), OPEN, frames.data(1, b"x"), ("update_settings", {frames.INITIAL_WINDOW_SIZE: 0}), frames.settings_ack(),
        frames.data(1, b"", end_stream=True)]),
    "closed-streams-have-no-window": ({}, {}, [
        request(1), frames.window_update(1, 1), ("send_headers", 1, STATUS, True),
        frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1))]),
    "goaway-never-goes-up": ({}, {}, [
        OPEN, request(3), ("close_connection", 0, None, 1), ("close_connection", 0, None, 3)]),
    "settings-are-acknowledged-by-frame": ({}, {}, [
        ("update_settings", {frames.INITIAL_WINDOW_SIZE: 1000}), frames.settings_ack()]),
    "pushes-after-goaway": ({}, {}, [OPEN, ("push_stream", 1, 2**31, request_fields())]),
    "promised-streams-are-limited": ({}, {}, [
        frames.settings((frames.MAX_CONCURRENT_STREAMS, 0)), OPEN, ("push_stream", 1, 2, request_fields()),
        ("send_headers", 2, STATUS)]),
    "rfc-stream-errors": ({"rfc_errors": True}, {}, [request(1, ("connection", "close"))]),
    "rfc-goaway-lets-streams-finish": ({"rfc_errors": True}, {}, [OPEN, frames.goaway(1), frames.data(1, b"x")]),
    "rfc-frames-in-flight": ({"rfc_errors": True}, {}, [OPEN, ("reset_stream", 1), frames.data(1, b"x")]),
    "rfc-length-lists": ({"rfc_errors": True}, {}, [request(1, ("content-length", "5, 5"), end_stream=False)]),
    "rfc-equal-lengths-are-one": ({"rfc_errors": True}, {}, [
        request(1, ("content-length", "5"), ("content-length", "5"), end_stream=False)]),
    "rfc-padding-may-fill-headers": ({"rfc_errors": True}, {}, [
        frames.Frame(frames.HEADERS, frames.PADDED, 1, b"\x05" + bytes(5))]),
    "rfc-reserved-bits": ({"rfc_errors": True}, {}, [OPEN, frames.window_update(1, 0x80000001)]),
    "rfc-altsvc-is-ignored": ({"rfc_errors": True}, {}, [OPEN, frames.altsvc(0).body(b"\xff")]),
    "rfc-headers-in-a-tunnel": ({"rfc_errors": True}, {}, [
        frames.headers(1, block(request_fields(method="CONNECT", scheme=None, path=None))),
        ("send_headers", 1, STATUS), frames.headers(1, block([("x", "1")]), end_stream=True)]),
    "rfc-protocol-unasked": ({"rfc_errors": True}, {}, [request(1, method="CONNECT", protocol="websocket")]),
    "rfc-no-rfc7540-priorities": ({"rfc_errors": True}, {}, [frames.settings((frames.NO_RFC7540_PRIORITIES, 2))]),
    "rfc-rfc7540-priorities-are-ignored": ({"rfc_errors": True}, {}, [
        frames.settings((frames.NO_RFC7540_PRIORITIES, 1)), frames.priority(1)]),
    "rfc-settings-first": ({"rfc_errors": True}, {}, [frames.ping()]),
    "rfc-promised-streams": ({"rfc_errors": True}, {}, [OPEN, ("push_stream", 1, 2, request_fields()),
                                                        frames.data(2, b"x")]),
    "rfc-closed-streams-are-not-new": ({"rfc_errors": True}, {}, [
        request(1), frames.rst_stream(1), frames.settings_ack(), ("update_settings", {3: 0}), frames.settings_ack(),
        frames.settings_ack(),
        frames.headers(1, block([("x", "1")]), end_stream=True)]),
    "rfc-goaway-once": ({"rfc_errors": True}, {}, [OPEN, frames.goaway(1), frames.goaway(1)]),
    "rfc-window-update-of-0-on-a-closed-stream": ({"rfc_errors": True}, {}, [
        OPEN, frames.rst_stream(1), frames.window_update(1, 0)]),
    "response-unasked": (CLIENT, {}, [ASK, response(2)]),
    "response-status": (CLIENT, {}, [ASK, response(1, status="20")]),
    "head-content-length": (CLIENT, {}, [("send_headers", 1, request_fields(method="HEAD")),
                                         response(1, ("content-length", "x"))]),
    "responses-without-content": (CLIENT, {}, [ASK, response(1, ("content-length", "5"), status="304"),
                                               frames.data(1, b"", True)]),
    "connect-responses": (CLIENT, {}, [
        ("send_headers", 1, request_fields(method="CONNECT", scheme=None, path=None)),
        response(1, ("content-length", "1")), frames.data(1, b"more")]),
    "promised-requests": (CLIENT, {}, [ASK, promise(1, 2, method="POST")]),
    "promised-identifiers": (CLIENT, {}, [ASK, promise(1, 2), frames.rst_stream(2), promise(1, 2)]),
    "promises-on-ended-requests": (CLIENT, {}, [ASK, response(1, end_stream=True), promise(1, 2)]),
    "refused-promises-are-used": (CLIENT, {}, [ASK, ("reset_stream", 1), promise(1, 2)]),
    "pushed-streams-are-limited": ({**CLIENT, "rfc_errors": True}, {}, [
        ASK, frames.settings_ack(), ("update_settings", {frames.MAX_CONCURRENT_STREAMS: 0}), frames.settings_ack(),
        promise(1, 2), response(2)]),
    "interim-after-the-end": (CLIENT, {}, [
        ("send_headers", 1, request_fields()), response(1, end_stream=True), response(1, status="103")]),
    "priority-in-a-full-frame": (CLIENT, {}, [
        Call("send_headers", 1, [*request_fields(), *((f"x-{n}", f"{n}" * 3000) for n in range(10, 20))],
             priority_weight=5)]),
    "identifiers-have-31-bits": (CLIENT, {}, [("send_headers", 2**31 + 1, request_fields())]),
    "priority-update-to-a-client": (CLIENT, {}, [ASK, frames.priority_update(1)]),
    "rfc-protocol-not-announced": ({**CLIENT, "rfc_errors": True}, {}, [
        ("send_headers", 1, request_fields(method="CONNECT", protocol="websocket"))]),
    "rfc-goaway-ends-unprocessed-streams": ({**CLIENT, "rfc_errors": True}, {}, [ASK, frames.goaway(0)]),
}


@pytest.mark.parametrize("id", [id for id, one in differences.ALL.items() if one.explains is not differences.never])
def test_a_conversation_shows_the_difference(id):
    """h2 does one thing, fasth2 the other, and the predicate tells them apart."""
    ours, both, steps = SHOWN[id]
    ours = dict(ours)
    pair = Pair(random.Random(1), client_side=ours.pop("client_side", False), ours=ours, **both)
    if id != "rfc-settings-first":
        pair.receive(bytes(frames.settings()))
    for step in steps:
        assert not pair.seen, "the difference shows before the last step"
        if isinstance(step, Call):
            pair.call(*step.arguments, **step.keywords)
        elif isinstance(step, tuple):
            pair.call(*step)
        else:
            pair.receive(bytes(step))
    assert pair.seen == [id]


def both(**ours: Any) -> tuple[h2.connection.H2Connection, H2Connection]:
    """h2's server and fasth2's, with the preface behind them."""
    theirs = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    mine = H2Connection(H2Configuration(client_side=False, **ours))
    for connection in (theirs, mine):
        connection.initiate_connection()
        connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
        connection.data_to_send()
    return theirs, mine


def _limits() -> None:
    theirs, mine = both(limits=Limits(suspicious_burst=50, suspicious_rate=0))
    flood = b"".join(bytes(frames.ping()) for _ in range(60))
    assert len(theirs.receive_data(flood)) == 60
    with pytest.raises(fasth2.exceptions.DenialOfServiceError):
        mine.receive_data(flood)


def _closed_streams() -> None:
    theirs, mine = both(limits=Limits(closed_streams=2, reset_burst=None))
    for stream_id in (1, 3, 5, 7):
        for connection in (theirs, mine):
            connection.receive_data(bytes(request(stream_id)))
            connection.reset_stream(stream_id)
    late = bytes(frames.headers(1, block([("x", "1")]), end_stream=True))
    assert theirs.open_inbound_streams == 0
    assert theirs.receive_data(late) == []
    with pytest.raises(fasth2.exceptions.StreamIDTooLowError):
        mine.receive_data(late)


def _encoder_table() -> None:
    updates = []
    for connection in both():
        connection.receive_data(frames.settings((frames.HEADER_TABLE_SIZE, 65536)) + request(1))
        connection.send_headers(1, RESPONSE)
        reader = FrameReader(table_size=65536)
        reader.read(connection.data_to_send())
        updates.append(reader.decoder.header_table_size)
    assert updates == [65536, 4096]


def _unknown_frame() -> None:
    kinds = [type(connection.receive_data(bytes(frames.unknown(0xEE)))[0].frame) for connection in both()]
    assert kinds[0].__module__.startswith("hyperframe")
    assert kinds[1].__module__.startswith("fasth2")


def _errors_carry_events() -> None:
    theirs, mine = both()
    octets = request(1) + frames.ping(b"short")
    with pytest.raises(h2.exceptions.ProtocolError) as lost:
        theirs.receive_data(octets)
    assert not hasattr(lost.value, "events")
    with pytest.raises(fasth2.exceptions.ProtocolError) as kept:
        mine.receive_data(octets)
    assert [type(event).__name__ for event in kept.value.events] == ["RequestReceived", "StreamEnded"]


def _input_after_error() -> None:
    theirs, mine = both()
    for connection, error in ((theirs, h2.exceptions.ProtocolError), (mine, fasth2.exceptions.ProtocolError)):
        with pytest.raises(error):
            connection.receive_data(bytes(frames.ping(b"short")))
    with pytest.raises(h2.exceptions.ProtocolError):
        theirs.receive_data(bytes(frames.ping()))
    assert mine.receive_data(bytes(frames.ping())) == []


def _refused_calls() -> None:
    theirs, mine = both()
    for connection, errors in ((theirs, h2.exceptions), (mine, fasth2.exceptions)):
        connection.receive_data(bytes(request(1)))
        with pytest.raises(errors.ProtocolError):
            connection.send_headers(1, [("no", "status")])
    with pytest.raises(h2.exceptions.ProtocolError):
        theirs.send_headers(1, RESPONSE)
    mine.send_headers(1, RESPONSE)


def _of_both(client_side: bool, state: str, method: str, *arguments: Any) -> list[str]:
    """What both raise for a call."""
    return [outcome(library, Case(client_side, state, method, arguments, {})).raised for library in ("h2", "fasth2")]


def _arguments() -> None:
    assert _of_both(False, "open", "reset_stream", 1, 2**32) == ["error", "ValueError"]
    assert _of_both(False, "closed", "reset_stream", 1, 2**32) == ["StreamClosedError", "ValueError"]


def _advertising_clients() -> None:
    assert _of_both(True, "begun", "advertise_alternative_service", b"v", b"o") == ["", "ProtocolError"]


def _setting_identifiers() -> None:
    sent = [outcome(library, Case(False, "open", "update_settings", ({65535: 1},), {})).sent for library in ("h2", "fasth2")]
    assert [frame.settings for frame, in sent] == [((255, 1),), ((65535, 1),)]


def _upgrade_settings() -> None:
    assert _of_both(False, "new", "initiate_upgrade_connection", b"!") == ["", "ProtocolError"]


def _bad_preface() -> None:
    connections = [h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))]
    connections += [H2Connection(H2Configuration(client_side=False, rfc_errors=rfc_errors)) for rfc_errors in (False, True)]
    sent = []
    for connection in connections:
        with pytest.raises((h2.exceptions.ProtocolError, fasth2.exceptions.ProtocolError)):
            connection.receive_data(b"GET / HTTP/1.1\r\n")
        sent.append([(frame.kind, frame.error_code) for frame in FrameReader().read(connection.data_to_send())])
    assert sent == [[], [], [("GOAWAY", 1)]]


STRUCTURAL: dict[str, Callable[[], None]] = {
    "limits": _limits,
    "closed-streams-remembered": _closed_streams,
    "encoder-table": _encoder_table,
    "unknown-frame-object": _unknown_frame,
    "errors-carry-events": _errors_carry_events,
    "input-after-error-ignored": _input_after_error,
    "refused-calls-change-nothing": _refused_calls,
    "arguments-come-first": _arguments,
    "clients-do-not-advertise": _advertising_clients,
    "setting-identifiers-have-16-bits": _setting_identifiers,
    "upgrade-settings-are-base64url": _upgrade_settings,
    "rfc-goaway-after-a-bad-preface": _bad_preface,
}


@pytest.mark.parametrize("id", [id for id, one in differences.ALL.items() if one.explains is differences.never])
def test_two_connections_show_the_difference(id):
    """Differences that conversations are arranged around."""
    STRUCTURAL[id]()


def test_nothing_is_shown_that_is_not_listed():
    """The tables above hold no forgotten entries."""
    assert set(SHOWN) | set(STRUCTURAL) == set(differences.ALL)


def test_a_client_checks_every_value_of_enable_push():
    """For a client 1 is a value out of range, as 2 is for a server (found by fuzzing)."""
    pair = Pair(random.Random(1), client_side=True)
    pair.receive(bytes(frames.settings((frames.ENABLE_PUSH, 1), (frames.ENABLE_PUSH, 0))))
    assert pair.seen == ["every-setting-is-checked"]
