"""Each attack against the engine: its reaction, however it is cut, and legal traffic near the limit."""
import pytest

from fasth2.exceptions import DenialOfServiceError, ProtocolError
from tests.support import frames
from tests.support.attacks import ATTACKS, ENHANCE_YOUR_CALM, HELLO, PROTOCOL_ERROR, get
from tests.support.fields import MARK
from tests.support.frames import FrameReader
from tests.support.play import answer, assert_answered, play, server, whole

#: A clock that stands still: no budget is refilled.
STANDING = float

#: The neighbour's stream and that of a later request.
NEIGHBOUR, LATER = 3, 100_001

every = pytest.mark.parametrize("attack", ATTACKS, ids=str)


class Victim:
    """A server connection, what it raised and what it sent."""

    def __init__(self, attack):
        self.connection = server(rfc_errors=True, clock=STANDING)
        self.reader = FrameReader()
        self.error = None
        self.sent = []
        self.receive(HELLO)
        self.receive(attack.start)
        self.drain()
        self.sent.clear()

    def receive(self, octets):
        try:
            self.connection.receive_data(octets)
        except ProtocolError as error:
            assert self.error is None
            self.error = error

    def drain(self):
        self.sent += self.reader.read(self.connection.data_to_send())


@every
def test_the_last_repetition_and_none_before_it_is_answered_as_the_table_says(attack):
    victim = Victim(attack)
    last = attack.times - 1
    for number in range(attack.times):
        if number == last:
            assert attack.counter not in victim.connection.counters
            assert victim.error is None
        victim.receive(bytes(attack.part(number)))
        if attack.reads:
            victim.drain()
    victim.drain()
    assert victim.connection.counters[attack.counter] == 1
    goaways = [sent for sent in victim.sent if sent.kind == "GOAWAY"]
    if attack.stream is None:
        assert isinstance(victim.error, DenialOfServiceError if attack.code == ENHANCE_YOUR_CALM else ProtocolError)
        assert victim.error.error_code == attack.code
        assert [sent.error_code for sent in goaways] == [attack.code]
        assert goaways[0].data == (attack.counter.encode() if attack.limit else b"")
    else:
        assert victim.error is None
        assert not goaways
        resets = [(sent.stream_id, sent.error_code) for sent in victim.sent if sent.kind == "RST_STREAM"]
        assert resets == [(attack.stream, attack.code)]


@every
def test_it_ends_the_same_in_one_read_octet_by_octet_and_in_random_cuts(attack):
    outcome = play(frames.settings_ack(), attack.start, attack.octets, clock=STANDING, drain=False)
    if attack.stream is None:
        assert outcome.sent[-1].kind == "GOAWAY"
        # What is sent afterwards is not even looked at.
        outcome.feed(get(LATER))
        assert not outcome.of("RequestReceived", LATER)
    else:
        assert outcome.error is None


@every
def test_nine_tenths_of_it_are_let_through(attack):
    outcome = play(frames.settings_ack(), attack.start, *attack.legal(), get(LATER), answer(LATER), cuts=(whole,),
                   clock=STANDING)
    assert outcome.error is None
    assert attack.counter not in outcome.connection.counters
    assert not outcome.wrote("GOAWAY")
    assert_answered(outcome, LATER)


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.stream is not None], ids=str)
def test_neighbours_of_a_stream_that_is_reset_are_answered_and_the_table_stays_in_step(attack):
    marked = frames.headers(NEIGHBOUR, get(NEIGHBOUR, MARK).payload, end_stream=True)
    outcome = play(frames.settings_ack(), marked, attack.start, attack.octets, answer(NEIGHBOUR),
                   get(LATER), answer(LATER), clock=STANDING)
    assert outcome.error is None
    assert_answered(outcome, NEIGHBOUR)
    assert_answered(outcome, LATER)
    assert not outcome.of("TrailersReceived", attack.stream)
    if attack.code == PROTOCOL_ERROR and "trailers" not in attack.name:
        assert not outcome.of("RequestReceived", attack.stream)


def test_the_rows_are_in_order():
    rows = [attack.row for attack in ATTACKS]
    assert rows == sorted(rows)
    assert len({str(attack) for attack in ATTACKS}) == len(ATTACKS)
