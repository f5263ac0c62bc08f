"""L6: octets of control frames that wait to be sent, 64 KiB: a backstop for mixtures."""
from tests.support import frames
from tests.support.fields import marked, request

from .flood import Victim, both_modes, many

MALFORMED = [(":method", "GET")]


@both_modes
def test_more_than_64_kib_of_acknowledgements_end_the_connection(rfc_errors):
    """17 octets a PING, its own limit switched off."""
    victim = Victim(rfc_errors, ack_backlog=None)
    victim.endures(many(frames.ping(), 65536 // 17), drain=False)
    victim.crosses(frames.ping(), "control_backlog")


def test_a_mixture_that_stays_below_every_other_limit_is_met():
    """Acknowledgements and provoked resets, unread."""
    victim = Victim(True, reset_burst=None, control_backlog=20000)
    victim.endures(many(frames.ping(), 900), drain=False)
    room = (20000 - 900 * 17) // 13
    victim.endures(*(marked(2 * n + 1, MALFORMED) for n in range(room)), drain=False)
    victim.crosses(marked(9001, MALFORMED), "control_backlog")


@both_modes
def test_nine_tenths_unread_are_kept(rfc_errors):
    """58,982 octets wait and all go out in order."""
    victim = Victim(rfc_errors, ack_backlog=None)
    count = 65536 * 9 // 10 // 17
    for _ in range(3):
        victim.clock.now += 60
        victim.endures(many(frames.ping(), count), drain=False)
        assert len(victim.output()) == count
    assert victim.connection.counters == {}


@both_modes
def test_answers_do_not_count(rfc_errors):
    """Headers and bodies that wait are the application's, not the peer's."""
    victim = Victim(rfc_errors, control_backlog=100)
    victim.endures(request(1), drain=False)
    victim.connection.send_headers(1, [(":status", "200"), ("x", "y" * 5000)])
    victim.connection.send_data(1, b"z" * 10000)
    victim.endures(frames.ping(), drain=False)
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_it_off(rfc_errors):
    """As much as memory holds."""
    victim = Victim(rfc_errors, ack_backlog=None, control_backlog=None)
    victim.endures(many(frames.ping(), 9000), drain=False)
    assert len(victim.output()) == 9000
