"""How a connection ends: the two GOAWAYs, and lingering close, without a socket and without waiting."""
import pytest

from fasth2.server._closing import CLOSING_SIZE, CLOSING_WAIT, Lingering, linger
from fasth2.server._protocol import ANY_STREAM
from fasth2.server._shutdown import FIRST_REQUEST_WAIT, GOAWAY_INTERVAL, SHORTEST_INTERVAL
from tests.support.clock import Clock
from tests.support.fields import request
from tests.support.protocol_holder import Connection


class Socket:
    """Gives what it is told to give; each read takes half a second."""

    def __init__(self, clock, *parts):
        self.clock, self.parts = clock, list(parts)
        self.ended, self.waits = False, []

    def shutdown(self, how):
        self.ended = True

    def settimeout(self, wait):
        self.waits.append(wait)

    def recv(self, size):
        self.clock.now += 0.5
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part


@pytest.fixture
def connection():
    return Connection()


def goaways(connection):
    return [sent.last_stream_id for sent in connection.read() if sent.kind == "GOAWAY"]


def test_requests_are_served_between_the_two_goaways(connection):
    connection.protocol.announce_end()
    assert goaways(connection) == [ANY_STREAM]
    assert len(connection.receive(request(1))) == 1
    connection.protocol.refuse_new_streams()
    assert goaways(connection) == [1]
    assert connection.receive(request(3)) == []


def test_each_goaway_is_sent_once(connection):
    for _ in range(2):
        connection.protocol.announce_end()
    assert goaways(connection) == [ANY_STREAM]
    for _ in range(2):
        connection.protocol.refuse_new_streams()
    connection.protocol.announce_end()
    assert goaways(connection) == [0]


def test_the_last_stream_may_be_named_at_once(connection):
    connection.serve(1)
    connection.protocol.refuse_new_streams()
    assert goaways(connection) == [1]


def test_a_connection_that_is_over_says_nothing(connection):
    connection.protocol.end()
    connection.read()
    connection.protocol.announce_end()
    connection.protocol.refuse_new_streams()
    assert connection.read() == []


@pytest.mark.parametrize("parts", [[b""], [OSError()], [b"x", b""]])
def test_a_close_lingers_until_the_peer_ends(parts):
    clock = Clock()
    sock = Socket(clock, *parts)
    linger(sock, clock)
    assert sock.ended
    assert sock.parts == []


def test_a_close_lingers_for_its_seconds():
    clock = Clock()
    sock = Socket(clock, *[b"x"] * 10)
    linger(sock, clock)
    assert sock.waits == [0, *(CLOSING_WAIT - elapsed / 2 for elapsed in range(4))]


def test_a_close_lingers_for_its_octets():
    clock = Clock()
    sock = Socket(clock, b"x" * CLOSING_SIZE, b"x")
    linger(sock, clock)
    assert len(sock.parts) == 1


def test_a_socket_that_does_not_block_is_read_by_turns():
    clock = Clock()
    lingering = Lingering(clock.now)
    assert lingering.deadline == clock.now + CLOSING_WAIT
    assert lingering.read(Socket(clock, BlockingIOError()))
    assert lingering.read(Socket(clock, b"x" * CLOSING_SIZE))
    assert not lingering.read(Socket(clock, b"x"))
    assert not Lingering(clock.now).read(Socket(clock, b""))
    assert not Lingering(clock.now).read(Socket(clock, ConnectionResetError()))


# Graceful shutdown, by steps


@pytest.fixture
def stopping(connection):
    """A connection that is to end, overdue after ten seconds."""
    connection.protocol.begin_shutdown(connection.clock.now + 10)
    return connection


def step(connection, after=0.0, idle=True):
    connection.clock.now += after
    return connection.protocol.advance_shutdown(connection.clock.now, idle)


def test_an_idle_connection_is_told_and_then_named_its_last_stream(connection):
    connection.serve(1)
    connection.protocol.begin_shutdown(connection.clock.now + 10)
    assert step(connection) == GOAWAY_INTERVAL
    assert goaways(connection) == [ANY_STREAM]
    assert step(connection, 0.125) == GOAWAY_INTERVAL - 0.125
    connection.serve(3)
    # The holder reads once more.
    assert step(connection, GOAWAY_INTERVAL - 0.125) == 0.0
    assert goaways(connection) == []
    assert step(connection) is None
    assert goaways(connection) == [3]
    assert step(connection, 60) is None
    assert goaways(connection) == []


def test_a_step_that_comes_late_is_followed_by_a_read(connection):
    connection.serve(1)
    connection.protocol.begin_shutdown(connection.clock.now + 10)
    step(connection)
    assert step(connection, 60) == 0.0
    assert step(connection) is None


def test_the_interval_is_shorter_where_little_time_is_left(connection):
    connection.serve(1)
    connection.protocol.begin_shutdown(connection.clock.now + 1)
    assert step(connection) == 0.5


def test_a_connection_has_its_time_for_the_first_request(stopping):
    assert step(stopping) == FIRST_REQUEST_WAIT
    assert step(stopping, 1.5) == FIRST_REQUEST_WAIT - 1.5
    assert goaways(stopping) == []
    assert step(stopping, 0.5) == GOAWAY_INTERVAL
    assert goaways(stopping) == [ANY_STREAM]


def test_the_time_for_the_first_request_is_handed_in(connection):
    connection.protocol.begin_shutdown(connection.clock.now + 10, 1.0)
    assert step(connection) == 1.0
    assert goaways(connection) == []
    assert step(connection, 1.0) == GOAWAY_INTERVAL
    assert goaways(connection) == [ANY_STREAM]


def test_no_longer_than_until_it_is_overdue(connection):
    connection.protocol.begin_shutdown(connection.clock.now + 1)
    assert step(connection) == 1.0


def test_a_connection_that_always_has_a_stream_open_is_told_when_it_is_overdue(stopping):
    stopping.serve(1)
    assert step(stopping, idle=False) == 10.0
    assert goaways(stopping) == []
    assert step(stopping, 10, idle=False) == SHORTEST_INTERVAL
    assert goaways(stopping) == [ANY_STREAM]
    assert step(stopping, SHORTEST_INTERVAL, idle=False) == 0.0
    assert step(stopping, idle=False) is None
    assert goaways(stopping) == [1]


def test_a_shutdown_begins_once(stopping):
    stopping.protocol.begin_shutdown(stopping.clock.now + 1000)
    assert step(stopping, 10, idle=False) == SHORTEST_INTERVAL


def test_a_connection_that_is_over_takes_its_steps_in_silence(connection):
    connection.protocol.end()
    connection.read()
    connection.protocol.begin_shutdown(connection.clock.now)
    assert [step(connection), step(connection, SHORTEST_INTERVAL), step(connection)] == [SHORTEST_INTERVAL, 0.0, None]
    assert connection.read() == []


def test_no_step_without_a_shutdown(connection):
    with pytest.raises(ValueError, match="no shutdown"):
        step(connection)
