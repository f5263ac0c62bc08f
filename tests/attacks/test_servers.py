"""Each attack over TLS against every server: its reaction, a neighbour's answers meanwhile, and legal traffic."""
import contextlib

import h2.events
import pytest

from tests.attacks.faces import nearly
from tests.support import frames
from tests.support.attacks import ATTACKS, ENHANCE_YOUR_CALM, HELLO, get
from tests.support.raw_client import RawClient
from tests.support.service import ECOSYSTEM
from tests.support.tls_client import Client

SERVED = [attack for attack in ATTACKS if attack.served]


#: Repetitions after which a client that behaves waits for the server.
BATCH = 200


def first_of_each_row(attacks):
    """Parameters: the first of each row, and for make test-ecosystem the others, too."""
    rows, found = set(), []
    for attack in attacks:
        if attack.row not in rows:
            found.append(pytest.param(attack, id=str(attack)))
        elif ECOSYSTEM:
            found.append(pytest.param(attack, marks=[pytest.mark.ecosystem], id=str(attack)))
        rows.add(attack.row)
    return found


#: A stream after those of any attack.
LATER = 100_001


class Neighbour:
    """Another client of the server; its requests are answered whatever happens beside it."""

    def __init__(self, server):
        self.client = Client(server)
        self.stream_id = -1

    def asks(self):
        self.stream_id += 2
        self.client.request(self.stream_id, "/hello")
        assert self.client.read(self.client.ended(self.stream_id), 5), "no answer in time"
        assert self.client.body(self.stream_id) == b"Hello, world!"


@pytest.fixture
def neighbour(servers, face):
    neighbour = Neighbour(servers(face))
    with neighbour.client:
        neighbour.asks()
        yield neighbour
        assert not neighbour.client.found(h2.events.ConnectionTerminated)


@contextlib.contextmanager
def attacker(server, attack):
    with RawClient(server.port, server.certificate) as client:
        client.flood(HELLO + attack.start)
        yield client


@pytest.mark.parametrize("attack", first_of_each_row(SERVED))
def test_it_is_ended_and_a_neighbour_is_answered_meanwhile(servers, face, neighbour, attack):
    with attacker(servers(face), attack) as client:
        # A server whose output is taken may cross a limit that is ten times as high.
        octets = attack.repeated(2 if attack.reads else 20)
        half = len(octets) // 2 if attack.times > 1 else 0
        client.flood(octets[:half])
        neighbour.asks()
        client.flood(octets[half:])
        if attack.stream is None:
            assert client.read(lambda: client.wrote("GOAWAY")), client.sent[-3:]
            goaway = client.wrote("GOAWAY")[-1]
            assert goaway.error_code in (attack.code, attack.answered)
            if attack.limit and goaway.error_code == attack.code:
                assert goaway.data.decode() in (attack.counter, *attack.instead)
            else:
                assert goaway.data == b""
            neighbour.asks()
            if attack.row != 4:
                # There the streams that were not refused may still be answered.
                assert client.read(lambda: client.closed, 10) or client.closed
            return
        if attack.code == ENHANCE_YOUR_CALM and "trailers" not in attack.name:
            assert client.read(lambda: client.wrote("HEADERS", attack.stream)), client.sent
            assert (b":status", b"431") in client.wrote("HEADERS", attack.stream)[0].fields
        else:
            assert client.read(lambda: client.wrote("RST_STREAM", attack.stream)), client.sent
            assert client.wrote("RST_STREAM", attack.stream)[0].error_code == attack.code
            assert not client.wrote("HEADERS", attack.stream)
        neighbour.asks()
        is_served(client)


@pytest.mark.parametrize("attack", first_of_each_row(attack for attack in SERVED if attack.limit))
def test_nine_tenths_of_it_are_served(servers, face, attack):
    with attacker(servers(face), attack) as client:
        pieces = attack.legal(nearly(face, attack.counter))
        for at in range(0, len(pieces), BATCH):
            client.flood(b"".join(pieces[at:at + BATCH]) + frames.ping(b"%8d" % at))
            assert client.read(lambda at=at: client.wrote("PING") and client.wrote("PING")[-1].opaque == b"%8d" % at)
        client.flood(attack.finish)
        is_served(client)


def is_served(client):
    """A request of the same connection is answered."""
    client.flood(bytes(get(LATER)))
    assert client.read(lambda: any(sent.end_stream for sent in client.wrote("DATA", LATER))), client.sent[-3:]
    assert (b":status", b"200") in client.wrote("HEADERS", LATER)[0].fields
    # NO_ERROR answers one of the client.
    assert not [sent for sent in client.wrote("GOAWAY") if sent.error_code]
