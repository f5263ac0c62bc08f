"""L2: streams reset by the peer, 1000 at once and 33 a second (Rapid Reset)."""
from tests.support import frames
from tests.support.fields import request

from .flood import Victim, both_modes


def pair(stream_id):
    """A request and its reset."""
    return request(stream_id) + frames.rst_stream(stream_id)


def pairs(first, count):
    """That many pairs from a stream on."""
    return b"".join(pair(first + 2 * n) for n in range(count))


@both_modes
def test_one_reset_too_many_ends_the_connection(rfc_errors):
    """The thousand-and-first, with the events of the last request in the exception."""
    victim = Victim(rfc_errors)
    victim.endures(pairs(1, 1000))
    error = victim.crosses(pair(2001), "resets")
    assert [type(event).__name__ for event in error.events] == ["RequestReceived", "StreamEnded", "StreamReset"]


@both_modes
def test_the_limit_is_met_within_one_read(rfc_errors):
    """A million pairs in one buffer stop at the limit: nothing after it is parsed."""
    victim = Victim(rfc_errors)
    error = victim.crosses(pairs(1, 5000), "resets")
    assert len(error.events) == 3 * 1001


@both_modes
def test_thirty_three_a_second_become_allowed_again(rfc_errors):
    """The bucket fills with time."""
    victim = Victim(rfc_errors)
    victim.endures(pairs(1, 1000))
    victim.clock.now += 1.0
    victim.endures(pairs(2001, 33))
    victim.clock.now += 0.5
    victim.endures(pairs(3001, 16))
    victim.crosses(pairs(4001, 2), "resets")


@both_modes
def test_time_without_resets_never_allows_more_than_the_burst(rfc_errors):
    """A bucket holds no more than it can."""
    victim = Victim(rfc_errors)
    victim.endures(pairs(1, 10))
    victim.clock.now += 10**6
    victim.endures(pairs(1001, 1000))
    victim.crosses(pairs(4001, 1), "resets")


@both_modes
def test_nine_tenths_of_the_burst_and_of_the_rate_are_never_refused(rfc_errors):
    """900 at once, then 29 a second for ten minutes."""
    victim = Victim(rfc_errors)
    victim.endures(pairs(1, 900))
    stream_id = 1801
    for _ in range(600):
        victim.clock.now += 1.0
        victim.endures(pairs(stream_id, 29))
        stream_id += 58
    assert victim.connection.counters == {}


def answered(victim, first, count):
    """Requests that get their whole answers."""
    for n in range(first, first + 2 * count, 2):
        victim.endures(request(n))
        victim.connection.send_headers(n, [(":status", "204")], end_stream=True)
        victim.output()


@both_modes
def test_a_client_that_cancels_a_tenth_of_its_requests_is_never_refused(rfc_errors):
    """However fast they come: four answered streams pay for a reset."""
    victim = Victim(rfc_errors, reset_burst=20, reset_rate=0)
    for n in range(1, 4001, 20):
        answered(victim, n, 9)
        victim.endures(pair(n + 18))
    assert victim.connection.counters == {}


@both_modes
def test_answers_never_allow_more_than_the_burst(rfc_errors):
    """Nothing is saved up."""
    victim = Victim(rfc_errors, reset_burst=20, reset_rate=0)
    answered(victim, 1, 500)
    victim.endures(pairs(1001, 20))
    victim.crosses(pair(2001), "resets")


@both_modes
def test_three_answers_for_a_reset_are_too_few(rfc_errors):
    """Each of these leaves a quarter less."""
    victim = Victim(rfc_errors, reset_burst=20, reset_rate=0)
    for n in range(1, 1 + 8 * 76, 8):
        victim.endures(pair(n))
        answered(victim, n + 2, 3)
    victim.endures(pair(5001))
    victim.crosses(pair(5003), "resets")


@both_modes
def test_the_settings_change_burst_and_rate(rfc_errors):
    """gunicorn's glue uses 200 in 10 seconds."""
    victim = Victim(rfc_errors, reset_burst=200, reset_rate=20)
    victim.endures(pairs(1, 200))
    victim.clock.now += 1
    victim.endures(pairs(401, 20))
    victim.crosses(pairs(501, 1), "resets")


@both_modes
def test_none_switches_it_off(rfc_errors):
    """In either keyword."""
    for limits in ({"reset_burst": None}, {"reset_rate": None}):
        victim = Victim(rfc_errors, **limits)
        victim.endures(pairs(1, 3000))
        assert victim.connection.counters == {}


def test_the_clock_is_read_only_for_counted_frames():
    """Requests, bodies and answers cost no look at the clock."""
    victim = Victim(True)
    before = victim.clock.read
    victim.endures(request(1, end_stream=False), frames.data(1, b"body"), frames.window_update(1, 10),
                   frames.data(1, b"", end_stream=True))
    victim.connection.send_headers(1, [(":status", "200")], end_stream=True)
    assert victim.clock.read == before
    victim.endures(pair(3))
    assert victim.clock.read == before + 1
