"""L11: a decoded header list, 32 octets a field added, 64 KiB, advertised (HPACK bomb)."""
import tracemalloc

import pytest

from fasth2.exceptions import DenialOfServiceError
from fasth2.ready import LARGE_REQUEST, RESET
from tests.support import frames
from tests.support.fields import MARK, block, in_frames, request, request_fields

from .flood import ENHANCE_YOUR_CALM, Victim, both_modes

LIMIT = 65536


def size_of(fields):
    """The list's size as RFC 9113 section 6.5.2 counts it."""
    return sum(len(name) + len(value) + 32 for name, value in fields)


def list_of(size):
    """A request whose header list has exactly this size, in few octets on the wire: one entry, many references."""
    base = request_fields((b"x-fat", b"f" * 1000))
    one = 5 + 1000 + 32
    count = (size - size_of(base)) // one
    rest = size - size_of(base) - count * one
    while rest < 38:
        count -= 1
        rest += one
    last = (b"x-pad", b"p" * (rest - 37))
    fields = [*base, *[base[-1]] * count, last]
    assert size_of(fields) == size
    return fields


def bomb(stream_id, size):
    """A HEADERS frame with such a list."""
    return frames.headers(stream_id, block(list_of(size)), end_stream=True)


@both_modes
def test_the_limit_is_advertised(rfc_errors):
    """SETTINGS_MAX_HEADER_LIST_SIZE in the first SETTINGS."""
    for size in (LIMIT, 1000):
        assert (frames.MAX_HEADER_LIST_SIZE, size) in Victim(rfc_errors, header_list_size=size).first[0].settings
    assert frames.MAX_HEADER_LIST_SIZE not in dict(Victim(rfc_errors, header_list_size=None).first[0].settings)


def test_a_list_over_the_limit_ends_the_connection_by_default():
    """At the limit it passes, one octet more does not."""
    victim = Victim(False, header_fields=None)
    victim.endures(bomb(1, LIMIT))
    victim.crosses(bomb(3, LIMIT + 1), "header_list_size")


def test_a_list_over_the_limit_costs_its_stream_under_rfc_errors():
    """RST_STREAM ENHANCE_YOUR_CALM; the neighbours live and the tables stay in step."""
    victim = Victim(True, header_fields=None)
    victim.endures(bomb(1, LIMIT))
    for n, size in ((3, LIMIT + 1), (5, 2 * LIMIT), (7, 4 * LIMIT)):
        victim.connection.receive_data(bytes(bomb(n, size)))
        assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(n, ENHANCE_YOUR_CALM)]
    assert victim.connection.counters == {"header_list_size": 3}
    marked = block([*request_fields(), MARK])
    [first, _] = victim.endures(frames.headers(9, marked, end_stream=True))
    assert [tuple(header) for header in first.headers][-1] == MARK


def test_a_list_over_four_times_the_limit_ends_the_connection_under_rfc_errors():
    """Decoding it all would be the attack."""
    victim = Victim(True, header_fields=None)
    victim.crosses(bomb(1, 4 * LIMIT + 1), "header_list_size")


@both_modes
def test_a_bomb_is_refused_while_it_is_decoded(rfc_errors):
    """A 4 KiB entry and 16,000 references in 16 KiB would be 64 MiB; memory never grows beyond twice the limit."""
    victim = Victim(rfc_errors, header_fields=None)
    fat = block([*request_fields(), (b"x", b"f" * 3900)])
    octets = bytes(frames.headers(1, fat + b"\xbe" * (16000 - len(fat)), end_stream=True))
    tracemalloc.start()
    try:
        victim.crosses(octets, "header_list_size")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT


@both_modes
def test_trailers_are_measured_too(rfc_errors):
    """docs/security.md, row 18: no block is an uncounted path."""
    victim = Victim(rfc_errors, header_list_size=300)
    trailers = [(b"x-long", b"t" * 400)]
    start = frames.headers(1, block(request_fields()))
    victim.endures(start)
    last = frames.headers(1, block(trailers), end_stream=True)
    if rfc_errors:
        victim.connection.receive_data(bytes(last))
        assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(1, ENHANCE_YOUR_CALM)]
    else:
        victim.crosses(last, "header_list_size")


@both_modes
@pytest.mark.parametrize("fields", [200, 1])
def test_nine_tenths_are_never_refused(fields, rfc_errors):
    """Many fields or a long cookie."""
    victim = Victim(rfc_errors)
    room = LIMIT * 9 // 10 - size_of(request_fields())
    extra = [(b"cookie" if fields == 1 else b"x-%d" % n, b"v" * (room // fields - 32 - 6)) for n in range(fields)]
    octets = block([*request_fields(), *extra])
    for stream_id in range(1, 21, 2):
        events = victim.endures(*in_frames(stream_id, octets, 16000))
        assert len(events[0].headers) == 4 + fields
        victim.connection.send_headers(stream_id, [(":status", "200")], end_stream=True)
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_it_off(rfc_errors):
    """A megabyte of header list."""
    victim = Victim(rfc_errors, header_list_size=None, header_fields=None)
    [event, _] = victim.endures(bomb(1, 1_000_000))
    assert size_of(event.headers) == 1_000_000


def test_a_list_on_a_refused_stream_is_measured_as_any_other():
    """240 kB: a client may send a stream again that was only refused. Past four times the limit the connection ends."""
    victim = Victim(True, header_fields=None, concurrent_streams=1)
    victim.endures(request(1))
    victim.connection.receive_data(bytes(bomb(3, 240_000)))
    assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(3, ENHANCE_YOUR_CALM)]
    assert victim.connection.counters == {"header_list_size": 1}
    victim = Victim(True, header_fields=None, concurrent_streams=1)
    victim.endures(request(1))
    victim.crosses(bomb(3, 4 * LIMIT + 1), "header_list_size")


def answering(**limits):
    """A server that answers requests over the limit."""
    victim = Victim(True, **{"header_fields": None, **limits})
    victim.connection.answers_large_requests = True
    return victim


def test_a_server_may_answer_a_request_over_the_limit():
    """It is handed out to be refused with 431, whole or with a body that follows; its neighbours are as ever."""
    victim = answering()
    for n, size in ((1, LIMIT + 1), (3, 4 * LIMIT)):
        [large] = victim.connection.ready_requests(bytes(bomb(n, size)))
        assert (large.kind, large.stream_id, large.end_stream) == (LARGE_REQUEST, n, True)
        assert large.reason == f"header list over the limit: {size} octets, the limit is {LIMIT}"
        assert [pair for pair in large.headers if pair[0][:1] == b":"] == [
            pair for pair in request_fields() if pair[0][:1] == b":"]
        assert size_of(large.headers) <= LIMIT
        assert victim.connection.respond(n, 431, [], b"too large")
        assert victim.connection.open_inbound_streams == 0
    [large] = victim.connection.ready_requests(bytes(frames.headers(5, block(list_of(2 * LIMIT)), end_stream=False)))
    assert not large.end_stream
    assert victim.connection.open_inbound_streams == 1
    [data] = victim.connection.ready_requests(bytes(frames.data(5, b"body", end_stream=True)))
    assert data.data == b"body"
    assert victim.connection.counters == {"header_list_size": 3}
    [request] = victim.connection.ready_requests(bytes(frames.headers(7, block([*request_fields(), MARK]), end_stream=True)))
    assert request.headers[-1] == MARK


def test_a_request_of_too_many_fields_is_answered_likewise():
    victim = answering(header_fields=20)
    [large] = victim.connection.ready_requests(bytes(request(1, *[(b"x-one", b"1")] * 30)))
    assert large.kind == LARGE_REQUEST
    assert large.reason.startswith("fields in the header list over the limit: ")
    assert large.reason.endswith(", the limit is 20")
    assert victim.connection.counters == {"header_fields": 1}


def test_fields_that_break_a_rule_are_not_shown():
    victim = answering(header_list_size=1000)
    fields = [*request_fields(), (b"x-bad", b"a\nb"), (b"x-large", b"f" * 1000)]
    [large] = victim.connection.ready_requests(bytes(frames.headers(1, block(fields), end_stream=True)))
    assert (large.kind, large.headers) == (LARGE_REQUEST, [(b":method", b"GET")])
    # Nor is there an answer, which could have a body, where the method is not known.
    fields = [(b":method", b"GET\n"), *request_fields()[1:], (b"x-large", b"f" * 1000)]
    [reset] = victim.connection.ready_requests(bytes(frames.headers(3, block(fields), end_stream=True)))
    assert (reset.kind, reset.error_code) == (RESET, ENHANCE_YOUR_CALM)


def test_without_that_a_request_over_the_limit_is_reset():
    victim = Victim(True, header_fields=None)
    assert not victim.connection.answers_large_requests
    [reset] = victim.connection.ready_requests(bytes(bomb(1, LIMIT + 1)))
    assert (reset.kind, reset.error_code) == (RESET, ENHANCE_YOUR_CALM)


def test_more_streams_than_allowed_are_reset_and_trailers_too():
    victim = answering(concurrent_streams=1)
    victim.connection.ready_requests(bytes(request(1, end_stream=False)))
    [reset] = victim.connection.ready_requests(bytes(bomb(3, LIMIT + 1)))
    assert (reset.kind, reset.stream_id) == (RESET, 3)
    [reset] = victim.connection.ready_requests(bytes(bomb(1, LIMIT + 1)))
    assert (reset.kind, reset.stream_id) == (RESET, 1)
    assert victim.connection.counters == {"header_list_size": 2}


def test_answers_do_not_make_it_free():
    """Requests that are answered so count as those that are reset; each answer pays for a quarter of one (L2)."""
    victim = answering(header_list_size=500, reset_burst=5, reset_rate=0)
    with pytest.raises(DenialOfServiceError):
        for n in range(1, 21, 2):
            fields = [*request_fields(), (b"x-large", b"f" * 600)]
            victim.connection.ready_requests(bytes(frames.headers(n, block(fields), end_stream=True)))
            victim.connection.respond(n, 431, [], b"")
    assert victim.connection.counters == {"header_list_size": 7, "resets": 1}
