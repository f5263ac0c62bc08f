"""When a peer sends or takes too little: the formulas, without a clock."""
import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.server._progress import MIN_RATE, BodyWait, SendProgress, keeps_rate, rate_left, send_deadline


def test_one_constant_holds_for_both_directions():
    assert MIN_RATE == HTTP2ServerConnection.MIN_SEND_RATE == HTTP2ServerConnection.MIN_RECEIVE_RATE


@pytest.mark.parametrize("octets, kept", [(100, False), (101, True)])
def test_a_rate_is_kept_by_more_than_it_asks_for(octets, kept):
    assert keeps_rate(octets, 10, 10.0) is kept


def test_a_body_has_the_timeout_and_the_time_that_its_octets_buy():
    assert rate_left(0.0, 30, 100, 0) == 30
    assert rate_left(12.0, 30, 100, 500) == 23
    assert rate_left(36.0, 30, 100, 500) < 0


def test_bodies_that_share_a_connection_share_its_rate():
    """The one that got nothing is not slow where all together keep their rates."""
    assert rate_left(30.0, 30, 100, 0, others=1000, streams=2) == 5
    assert rate_left(30.0, 30, 100, 0, others=1000, streams=0) == 10


def test_a_wait_without_an_octet_ends_after_the_timeout():
    wait = BodyWait(1)
    wait.add(20, 0)
    assert wait.left(30, 0) == 10
    wait.add(10, 0)
    assert wait.left(30, 0) == 0


def test_an_octet_begins_the_timeout_again_but_not_the_rate():
    wait = BodyWait(1)
    wait.add(20, 0)
    wait.add(1, 128)
    assert wait.left(30, 0) == 30
    assert wait.left(30, 128) == 10


def test_a_sender_that_takes_nothing_has_the_timeout():
    assert send_deadline(30, 100, 0, since=1000, moved=1000) == 1030
    assert send_deadline(30, 0, 0, since=1000, moved=1010) == 1040


def test_a_sender_that_takes_too_little_has_the_time_that_its_octets_buy():
    progress = SendProgress(10_000, 1000)
    progress.update(9_500, 1020)
    assert progress.deadline(30, 100) == 1035
    assert progress.deadline(30, 1000) == 1030.5
    assert progress.deadline(30, 0) == 1050


def test_more_to_send_begins_the_measuring_again():
    progress = SendProgress(100, 1000)
    progress.update(50, 1020)
    progress.update(200, 1021)
    assert (progress.since, progress.first, progress.deadline(30, 100)) == (1021, 200, 1051)
