"""Each attack of a server on a client: its reaction, however it is cut, its memory, and legal traffic near the limit."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.attacks_on_clients import ATTACKS_ON_CLIENTS
from tests.support.client import asks, response
from tests.support.heap import alone, in_use
from tests.support.play import play, whole

#: A clock that stands still: no budget is refilled.
STANDING = float

#: A later request.
LATER = 1001

MIB = 2**20

every = pytest.mark.parametrize("attack", ATTACKS_ON_CLIENTS, ids=str)


def plays(attack, *steps, **options):
    return play(frames.settings_ack(), asks(1), attack.start, *steps, client_side=True, clock=STANDING, **options)


@every
def test_it_costs_the_stream_or_the_connection_in_one_read_octet_by_octet_and_in_random_cuts(attack):
    parts = [bytes(attack.part(number)) for number in range(attack.times)]
    # As the client's output is taken while they come, or is not.
    steps = [b"".join(parts[at:at + 100]) for at in range(0, attack.times, 100)] if attack.reads else [attack.octets]
    outcome = plays(attack, *steps, drain=attack.reads)
    assert outcome.connection.counters[attack.counter] >= 1
    if attack.stream is not None:
        assert outcome.error is None
        assert not outcome.wrote("GOAWAY")
        assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(attack.stream, attack.code)]
        outcome.feed(asks(LATER), response(LATER, end_stream=True))
        assert outcome.of("ResponseReceived", LATER)
        return
    [goaway] = outcome.wrote("GOAWAY")
    assert goaway.error_code == attack.code == outcome.error.error_code
    assert goaway.data == (attack.counter.encode() if attack.limit else b"")


@every
def test_all_but_the_last_repetition_is_no_attack(attack):
    """Which is the limit."""
    if attack.times == 1:
        steps = attack.legal()
    else:
        steps = [bytes(attack.part(number)) for number in range(attack.times - 1)]
        steps = steps if attack.reads else [b"".join(steps)]
    outcome = plays(attack, *steps, cuts=(whole,))
    assert outcome.error is None
    assert attack.counter not in outcome.connection.counters


@every
def test_nine_tenths_of_it_are_let_through(attack):
    outcome = plays(attack, *attack.legal(), asks(LATER), response(LATER, end_stream=True), cuts=(whole,))
    assert outcome.error is None
    assert outcome.connection.counters == {}
    assert outcome.of("ResponseReceived", LATER)


def peaks():
    """Octets that each attack adds at most to a client that has asked, and those that are left when it is gone."""
    found = {}
    for attack in ATTACKS_ON_CLIENTS:
        for _ in range(2):  # what the first leaves in caches is nobody's
            octets = attack.octets
            before = in_use()
            connection = H2Connection(H2Configuration(client_side=True, rfc_errors=True, clock=STANDING))
            connection.initiate_connection()
            asks(1)(connection)
            connection.receive_data(bytes(frames.settings()) + frames.settings_ack() + attack.start)
            begin = peak = in_use()
            for at in range(0, len(octets), 16384):
                try:
                    events = connection.receive_data(octets[at:at + 16384])
                except ProtocolError as error:
                    events = error.events
                peak = max(peak, in_use())
                if attack.reads:
                    connection.data_to_send()
                del events
            del connection
            found[str(attack)] = [peak - begin, in_use() - before]
    return found


def test_an_attack_holds_less_than_a_mebibyte_and_nothing_afterwards():
    found = alone(peaks)
    assert len(found) == len(ATTACKS_ON_CLIENTS)
    for name, (peak, left) in found.items():
        assert peak < MIB, name
        assert left < 10_000, name
