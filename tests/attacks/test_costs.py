"""What attacks cost the engine: memory while they last and afterwards, and time for each octet."""
import itertools
import time

import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support.attacks import ATTACKS, HELLO, ask
from tests.support.heap import alone, in_use
from tests.support.play import server

MIB = 2**20

#: Octets of one read.
READ = 16384

#: A clock that stands still.
STANDING = float

#: Attacks that are long enough to be timed.
LONG = [attack for attack in ATTACKS if len(attack.octets) > 2000]


def reads(octets):
    return [octets[at:at + READ] for at in range(0, len(octets), READ)]


def play(connection, pieces, drain, look=lambda: None):
    """Receive pieces until the connection ends; `look` is called while the events of each are held."""
    for piece in pieces:
        try:
            events = connection.receive_data(piece)
        except ProtocolError as error:
            events = error.events
            look()
            return
        look()
        if drain:
            connection.data_to_send()
        del events


def peaks():
    """Octets that each attack adds to a fresh connection at most, and those that are left when it is gone."""
    found = {}
    for attack in ATTACKS:
        for _ in range(2):  # what the first leaves in caches is nobody's
            pieces = reads(attack.octets)
            before = in_use()
            connection = server(rfc_errors=True, clock=STANDING)
            connection.receive_data(HELLO)
            play(connection, reads(attack.start), True)
            seen = [in_use()]
            begin = seen[0]
            play(connection, pieces, attack.reads, lambda seen=seen: seen.append(max(seen.pop(), in_use())))
            peak = seen[0] - begin
            del connection
            found[str(attack)] = [peak, in_use() - before]
    return found


def test_an_attack_holds_less_than_a_mebibyte_and_nothing_afterwards():
    found = alone(peaks)
    assert len(found) == len(ATTACKS)
    for name, (peak, left) in found.items():
        assert peak < MIB, name
        assert left < 10_000, name


def a_round(make, pieces, drain):
    connection = make()
    start = time.thread_time()
    play(connection, pieces, drain)
    return time.thread_time() - start


def nanoseconds(times, octets):
    return min(times) * 1e9 / octets


GETS = reads(b"".join(ask(1 + 2 * number) for number in range(4000)))


def plain():
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, limits=Limits(concurrent_streams=None)))
    connection.initiate_connection()
    connection.local_settings.max_concurrent_streams = 2**31 - 1
    connection.receive_data(HELLO)
    return connection


@pytest.mark.parametrize("attack", LONG, ids=str)
def test_an_octet_of_an_attack_costs_at_most_five_times_as_much_as_one_of_small_requests(attack):
    def begun():
        connection = server(rfc_errors=True, clock=STANDING)
        connection.receive_data(HELLO)
        play(connection, reads(attack.start), True)
        return connection

    octets = reads(attack.octets)
    assert len(b"".join(GETS)) > 80_000
    # In turns, and the quickest of each: other processes slow both.
    rounds = [(a_round(plain, GETS, True), a_round(begun, octets, attack.reads)) for _ in range(5)]
    gets, attacks = map(list, zip(*rounds, strict=True))
    size = sum(map(len, octets))
    assert nanoseconds(attacks, size) < 5 * nanoseconds(gets, sum(map(len, GETS)))


def test_ten_times_the_octets_take_about_ten_times_as_long():
    """Attacks that no limit ends early, with the limits off: nothing searches what came before."""
    off = Limits(**dict.fromkeys(("suspicious_burst", "reset_burst", "window_updates", "priority_frames", "ignored_octets")))
    for attack in ATTACKS:
        if attack.counter not in ("suspicious_frames", "resets", "window_updates") or not attack.reads or attack.row == 4:
            continue
        times = []
        for factor in (1, 10):
            parts = [bytes(attack.part(number)) for number in range(1500 * factor)]
            pieces = [b"".join(part) for part in itertools.zip_longest(*[iter(parts)] * 100, fillvalue=b"")]

            def begun(attack=attack):
                connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, limits=off, clock=STANDING))
                connection.initiate_connection()
                connection.receive_data(HELLO + attack.start)
                return connection

            times.append(min(a_round(begun, pieces, True) for _ in range(4)))
        assert times[1] < 25 * times[0], attack
