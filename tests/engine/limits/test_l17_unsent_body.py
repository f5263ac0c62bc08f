"""L17: body that the engine copied and couldn't send, 400 KiB a stream, then the call says so."""
import pytest

from fasth2.exceptions import FlowControlError
from tests.support import frames
from tests.support.fields import request

from .flood import Victim, both_modes

LIMIT = 400 * 1024


def open_response(**limits):
    """A stream that can send nothing, its headers sent."""
    victim = Victim(True, **limits)
    victim.endures(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)), request(1), request(3))
    victim.connection.respond(1, 200, [], end_stream=False)
    victim.output()
    return victim


@pytest.mark.parametrize("kind", [bytearray, memoryview], ids=["bytearray", "memoryview"])
def test_more_than_400_kib_of_copies_are_refused(kind):
    """The call raises FlowControlError, nothing of it is queued, and the counter says how often."""
    victim = open_response()
    chunk = kind(b"c" * 4096)
    for n in range(100):
        assert victim.connection.write(1, chunk) == 4096 * (n + 1)
    for n in range(3):
        with pytest.raises(FlowControlError):
            victim.connection.write(1, bytearray(b"!"))
        assert victim.connection.counters == {"unsent_body": n + 1}
    assert victim.connection.unsent(1) == LIMIT


def test_a_body_of_respond_is_measured_too():
    """One octet more than the limit, in one call."""
    victim = open_response()
    with pytest.raises(FlowControlError):
        victim.connection.respond(3, 200, [], bytearray(LIMIT + 1))
    assert victim.output() == []
    assert victim.connection.respond(3, 200, [], bytearray(LIMIT))


def test_bytes_are_held_by_reference_and_not_counted():
    """The application's own object costs the engine nothing."""
    victim = open_response()
    body = b"r" * (4 * LIMIT)
    victim.connection.write(1, body)
    assert victim.connection.unsent(1) == 4 * LIMIT
    victim.connection.write(1, bytearray(LIMIT))
    assert victim.connection.counters == {}


def test_what_was_sent_makes_room():
    """The limit is on what waits."""
    victim = open_response()
    victim.connection.write(1, bytearray(LIMIT))
    with pytest.raises(FlowControlError):
        victim.connection.write(1, bytearray(1))
    victim.endures(frames.window_update(1, LIMIT), frames.window_update(0, LIMIT))
    assert victim.connection.unsent(1) == 0
    assert victim.connection.write(1, bytearray(LIMIT), end_stream=True) == LIMIT


def test_each_stream_has_its_own():
    """A slow reader of one stream doesn't stop another."""
    victim = open_response()
    victim.connection.write(1, bytearray(LIMIT))
    assert victim.connection.respond(3, 200, [], bytearray(LIMIT))


def test_nine_tenths_are_never_refused():
    """360 KiB wait, go out, wait again."""
    victim = open_response()
    total = 0
    for _ in range(5):
        for _ in range(90):
            victim.connection.write(1, bytearray(4096))
        total += 90 * 4096
        victim.endures(frames.window_update(1, 90 * 4096), frames.window_update(0, 90 * 4096))
    assert victim.connection.unsent(1) == 0
    assert sum(len(sent.data) for sent in victim.reader.sent if sent.kind == "DATA") == total
    assert victim.connection.counters == {}


def test_none_switches_it_off_and_the_setting_changes_it():
    """As much as the application likes; ten octets."""
    victim = open_response(unsent_body=None)
    victim.connection.write(1, bytearray(3 * LIMIT))
    victim = open_response(unsent_body=10)
    victim.connection.write(1, bytearray(10))
    with pytest.raises(FlowControlError):
        victim.connection.write(1, bytearray(1))


@both_modes
def test_send_data_never_queues(rfc_errors):
    """h2's call sends at once or refuses, so there is nothing to limit."""
    victim = Victim(rfc_errors, unsent_body=0)
    victim.endures(request(1))
    victim.connection.send_headers(1, [(":status", "200")])
    victim.connection.send_data(1, bytearray(b"x" * 5000), end_stream=True)
    assert [len(sent.data) for sent in victim.output() if sent.kind == "DATA"] == [5000]
