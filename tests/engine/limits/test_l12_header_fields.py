"""L12: fields of a header list, 256, cookie crumbs counted before joining (HTTP/2 Bomb)."""
import pytest

from tests.support import frames
from tests.support.fields import block, request_fields

from .flood import ENHANCE_YOUR_CALM, Victim, both_modes

names = pytest.mark.parametrize("name", [b"x", b"cookie"])


def fields(count, name=b"x"):
    """A request of exactly so many fields."""
    return [*request_fields(), *[(name, b"1")] * (count - 4)]


def headers(stream_id, count, name=b"x"):
    """Its HEADERS frame."""
    return frames.headers(stream_id, block(fields(count, name)), end_stream=True)


@names
def test_one_field_too_many_ends_the_connection_by_default(name):
    """The two hundred and fifty-seventh."""
    victim = Victim(False)
    victim.endures(headers(1, 256, name))
    victim.crosses(headers(3, 257, name), "header_fields")


@names
def test_one_field_too_many_costs_its_stream_under_rfc_errors(name):
    """RST_STREAM ENHANCE_YOUR_CALM; what follows decodes."""
    victim = Victim(True)
    for n, count in ((1, 257), (3, 1024)):
        victim.connection.receive_data(bytes(headers(n, count, name)))
        assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(n, ENHANCE_YOUR_CALM)]
    assert victim.connection.counters == {"header_fields": 2}
    [event, _] = victim.endures(headers(5, 5))
    assert [tuple(header) for header in event.headers] == fields(5)


@names
def test_more_than_four_times_the_limit_end_the_connection_under_rfc_errors(name):
    """1025 fields."""
    victim = Victim(True)
    victim.crosses(headers(1, 1025, name), "header_fields")


@both_modes
def test_crumbs_are_counted_before_they_are_joined(rfc_errors):
    """252 crumbs pass and come as one field."""
    victim = Victim(rfc_errors)
    [event, _] = victim.endures(headers(1, 256, b"cookie"))
    assert len(event.headers) == 5
    assert event.headers[-1][1] == b"; ".join([b"1"] * 252)


@both_modes
def test_trailers_are_counted_too(rfc_errors):
    """Every block."""
    victim = Victim(rfc_errors, header_fields=4)
    victim.endures(frames.headers(1, block(request_fields())))
    trailers = frames.headers(1, block([(b"x", b"1")] * 5), end_stream=True)
    if rfc_errors:
        victim.connection.receive_data(bytes(trailers))
        assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(1, ENHANCE_YOUR_CALM)]
    else:
        victim.crosses(trailers, "header_fields")


@both_modes
@names
def test_nine_tenths_are_never_refused(name, rfc_errors):
    """230 fields in each of many requests."""
    victim = Victim(rfc_errors)
    for n in range(1, 101, 2):
        victim.endures(headers(n, 230, name))
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_it_off(rfc_errors):
    """The size of the list is then the only measure."""
    victim = Victim(rfc_errors, header_fields=None)
    victim.endures(headers(1, 1500))
    assert victim.connection.counters == {}
