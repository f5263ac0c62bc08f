"""The limits that a client keeps with the defaults, and the table of docs/limits.md that lists them."""
from __future__ import annotations

import inspect
import re

import pytest

from fasth2.exceptions import DenialOfServiceError, ProtocolError
from fasth2.limits import Limits
from tests.support import frames
from tests.support.client import asks, connection_error, promise, response, survived
from tests.support.fields import block
from tests.support.paths import ROOT
from tests.support.tables import rows

DOCUMENT = (ROOT / "docs" / "limits.md").read_text()

#: A clock that stands still, so that no budget is refilled.
STANDING = float

OPEN = [asks(1, end_stream=False), response(1)]


def pushes(number):
    """Promised streams whose responses have begun, with what a client needs to know of them."""
    return [part for stream in range(2, 2 * number + 2, 2) for part in (promise(1, stream), response(stream))]


def pushes_that_are_reset(number):
    return [part for stream in range(2, 2 * number + 2, 2) for part in (promise(1, stream), frames.rst_stream(stream))]


def long_response(stream_id, octets):
    """A response with a value of so many octets, in frames as large as allowed."""
    fragments = block([(":status", "200"), ("x", "y" * octets)])
    parts = [fragments[at : at + 16384] for at in range(0, len(fragments), 16384)]
    last = len(parts) - 1
    return [frames.headers(stream_id, parts[0], end_headers=False),
            *[frames.continuation(stream_id, part, end_headers=at == last) for at, part in enumerate(parts) if at]]


def unread(*steps):
    """Frames of one read, so that nothing is taken from the output meanwhile."""
    return [b"".join(bytes(step) for step in steps)]


#: Limit: steps that stay below its default, one more, the error code and the counter.
CROSSED = {
    "concurrent_streams": (OPEN + pushes(100), pushes(101)[-2:], 1, "streams_refused"),
    "reset_burst": (OPEN + pushes_that_are_reset(1000), [promise(1, 2002), frames.rst_stream(2002)], 11, "resets"),
    "ack_backlog": (OPEN, unread(*[frames.ping()] * 1001), 11, "ack_backlog"),
    "suspicious_burst": ([*OPEN, *[frames.data(1)] * 9000], [frames.data(1)] * 1001, 11, "suspicious_frames"),
    "ignored_octets": ([*OPEN, *[frames.unknown(payload=b"x" * 16000)] * 60], [frames.unknown(payload=b"x" * 16000)] * 20,
                       11, "ignored_octets"),
    "priority_frames": ([*OPEN, *[frames.priority(1)] * 190], [frames.priority(1)] * 20, 11, "priority_frames"),
    "window_updates": ([*OPEN, *[frames.window_update(1, 1)] * 95], [frames.window_update(1, 1)] * 10, 11, "window_updates"),
    "settings_per_frame": ([frames.settings(*[(1, 1)] * 32)], [frames.settings(*[(1, 1)] * 33)], 11, "settings_per_frame"),
    "header_list_size": ([asks(1), *long_response(1, 60_000)], [asks(3), *long_response(3, 70_000)], 11, "header_list_size"),
    "header_fields": ([asks(1), response(1, *[("a", "b")] * 250)], [asks(3), response(3, *[("a", "b")] * 260)], 11,
                      "header_fields"),
    "continuation_frames": (
        [asks(1), frames.headers(1, end_headers=False), *[frames.continuation(1, end_headers=False)] * 60],
        [frames.continuation(1, end_headers=False)] * 6, 1, "continuation_frames"),
    "informational_responses": ([asks(1), *[response(1, status="103")] * 100], [response(1, status="103")], 11,
                                "informational_responses"),
}

#: What of a flood without `rfc_errors` is not seen in one connection error: tested in the files of the limits.
ELSEWHERE = {
    "promised_streams": "test_l20_promised_streams",
    "control_backlog": "test_l06_control_backlog",
    "encoder_table_size": "test_l14_encoder_table",
    "string_size": "test_l15_strings_and_integers",
    "closed_streams": "test_l16_closed_streams",
}

#: Rates belong to their bursts.
RATES = {"reset_rate": "reset_burst", "suspicious_rate": "suspicious_burst", "ignored_ratio": "ignored_octets"}

#: What only servers meet.
OF_SERVERS = {"unreleased_requests", "early_refusals", "unsent_body"}


@pytest.mark.parametrize("limit", CROSSED)
def test_a_server_that_crosses_it_ends_the_connection(limit):
    below, above, code, counter = CROSSED[limit]
    survived(*below, rfc_errors=False, clock=STANDING)
    outcome = connection_error(*below, *above, code=code, exception=ProtocolError, rfc_errors=False,
                               clock=STANDING)
    assert outcome.connection.counters[counter] == 1
    if code == 11:
        assert isinstance(outcome.error, DenialOfServiceError)


@pytest.mark.parametrize("limit", sorted(set(CROSSED) - {"continuation_frames", "concurrent_streams"}))
def test_none_switches_it_off(limit):
    below, above, _, _ = CROSSED[limit]
    survived(*below, *above, rfc_errors=False, limits=Limits(**{limit: None}), clock=STANDING)


def test_the_table_of_clients_has_every_limit():
    told = {}
    for names, says in rows(DOCUMENT, "limit of a client", "what it bounds there"):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), says)
    parameters = set(inspect.signature(Limits).parameters)
    assert set(told) == parameters == {*CROSSED, *ELSEWHERE, *RATES, *OF_SERVERS}
    assert {name for name, says in told.items() if says.startswith("nothing")} == OF_SERVERS
    for name, file in ELSEWHERE.items():
        assert (ROOT / "tests" / "engine" / "limits" / f"{file}.py").exists(), name
