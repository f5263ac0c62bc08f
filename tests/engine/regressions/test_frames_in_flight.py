"""Frames that were on their way when a stream was refused or the server said GOAWAY cost nothing but themselves."""
import pytest

from fasth2.config import Limits
from tests.support import frames
from tests.support.fields import block, request
from tests.support.play import answer, assert_answered, play


@pytest.mark.parametrize("first, options", [
    (request(1, (b"Upper", b"x"), end_stream=False), {}),
    (request(1, (b"x-large", b"x" * 900), end_stream=False), {"limits": Limits(header_list_size=500)}),
    (request(1, end_stream=False), {"limits": Limits(concurrent_streams=0)}),
], ids=["malformed", "too large", "over the limit"])
def test_the_body_of_a_refused_first_request_is_ignored(first, options):
    """RFC 9113 section 5.1: an endpoint ignores frames on a stream it has reset, the connection's first included."""
    outcome = play(first, frames.data(1, b"body"), frames.data(1, b"", end_stream=True), frames.ping(b"12345678"),
                   **options)
    assert outcome.error is None
    assert [sent.kind for sent in outcome.sent] == ["RST_STREAM", "PING"]


def test_trailers_of_a_stream_above_our_goaway_are_discarded():
    """Section 6.8: its sender "can discard frames for streams ... higher than the identified last stream"; the
    streams below go on.
    """
    outcome = play(request(1), lambda connection: connection.close_connection(),
                   request(3, end_stream=False), frames.data(3, b"body"),
                   frames.headers(3, block([(b"x-trailer", b"1")]), end_stream=True), answer(1))
    assert outcome.error is None
    assert_answered(outcome, 1)


def test_bodies_of_streams_above_our_goaway_are_discarded():
    """However many frames they have: none is answered with RST_STREAM, none counts as a reset."""
    outcome = play(request(1), lambda connection: connection.close_connection(),
                   request(3, end_stream=False), b"".join([bytes(frames.data(3, b"x" * 10))] * 1500), answer(1))
    assert outcome.error is None
    assert not outcome.wrote("RST_STREAM")
    assert_answered(outcome, 1)


def test_no_credit_goes_out_before_goaway_for_a_body_of_the_wrong_length():
    """Without rfc_errors the connection ends with the stream, as in h2, which sends GOAWAY alone."""
    outcome = play(request(1, end_stream=False), frames.data(1, b"x" * 16384),
                   lambda connection: connection.acknowledge_received_data(16384, 1),
                   request(3, (b"content-length", b"5"), end_stream=False), frames.data(3, b"x" * 16384),
                   rfc_errors=False)
    assert [sent.kind for sent in outcome.sent] == ["GOAWAY"]
