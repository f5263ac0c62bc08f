"""L19: informational responses without end, a server's attack on a client (security.md, row 54)."""
import pytest

from fasth2.exceptions import DenialOfServiceError
from fasth2.limits import Limits
from tests.support.client import accepted, asks, connection_error, response, stream_error

INTERIM = response(1, status="103")


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_as_many_as_the_limit_are_delivered(rfc_errors):
    outcome = accepted(asks(1), *[INTERIM] * 100, response(1, end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds == ["InformationalResponseReceived"] * 100 + ["ResponseReceived", "StreamEnded"]


def test_one_more_costs_the_stream():
    outcome = stream_error(asks(1), *[INTERIM] * 101, stream_id=1, code=0xB)
    assert outcome.connection.counters == {"informational_responses": 1}


def test_one_more_ends_the_connection_by_default():
    outcome = connection_error(asks(1), *[INTERIM] * 101, code=0xB, exception=DenialOfServiceError, rfc_errors=False)
    assert outcome.wrote("GOAWAY")[0].data == b"informational_responses"
    assert len(outcome.events) == 100


def test_each_stream_has_its_own_count():
    other = response(3, status="103")
    accepted(asks(1), asks(3), *[INTERIM, other] * 3, limits=Limits(informational_responses=3))
    stream_error(asks(1), asks(3), *[INTERIM, other] * 3, other, stream_id=3, code=0xB,
                 limits=Limits(informational_responses=3))


def test_no_limit():
    accepted(asks(1), *[INTERIM] * 500, limits=Limits(informational_responses=None))
