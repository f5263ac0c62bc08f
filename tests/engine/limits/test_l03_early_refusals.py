"""L3: streams refused before the client has acknowledged SETTINGS, 1000 for ten seconds (a burst of first requests)."""
import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import DenialOfServiceError, StreamsRefusedError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader

from .flood import ENHANCE_YOUR_CALM, Clock

#: gunicorn's limit on resets.
GUNICORNS = {"reset_burst": 200, "reset_rate": 20}


class Server:
    """A server that no client has acknowledged SETTINGS of."""

    def __init__(self, **limits):
        self.clock = Clock()
        self.connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, clock=self.clock,
                                                       limits=Limits(**{**GUNICORNS, **limits})))
        self.connection.initiate_connection()
        self.reader = FrameReader()
        self.receive(PREFACE + frames.settings())

    def receive(self, octets):
        """The error, or None."""
        error = None
        try:
            self.connection.ready_requests(bytes(octets))
        except StreamsRefusedError as exc:
            error = exc
        self.reader.read(self.connection.pull())
        return error

    def answer(self, stream_id, body=b"answer"):
        """Respond, and send."""
        assert self.connection.respond(stream_id, 200, [], body)
        self.reader.read(self.connection.pull())

    def of(self, kind):
        """What was sent."""
        return [sent for sent in self.reader.sent if sent.kind == kind]


def burst(first, count):
    """Requests."""
    return b"".join(bytes(request(first + 2 * n)) for n in range(count))


@pytest.mark.parametrize("count", [301, 1000, 1100])
def test_a_burst_before_SETTINGS_arrive_is_refused_stream_by_stream(count):
    """100 are served, the others may be sent again."""
    server = Server()
    assert server.receive(burst(1, count)) is None
    assert len(server.of("RST_STREAM")) == count - 100
    assert {sent.error_code for sent in server.of("RST_STREAM")} == {7}
    assert server.of("GOAWAY") == []
    for n in range(100):
        server.answer(2 * n + 1)
    assert [sent.end_stream for sent in server.of("DATA")] == [True] * 100
    assert server.receive(frames.settings_ack() + request(2 * count + 1)) is None
    assert server.connection.counters == {"streams_refused": count - 100}


@pytest.mark.parametrize("count", [1101, 1102, 5000])
def test_what_was_admitted_is_answered_after_more_refusals_than_that(count):
    """GOAWAY with the limit's name; later streams are ignored, those before it have their answers."""
    server = Server()
    error = server.receive(burst(1, count))
    assert isinstance(error, DenialOfServiceError)
    assert len([one for one in error.events if one.kind == 1]) in (0, 100)
    [goaway] = server.of("GOAWAY")
    assert (goaway.error_code, goaway.data, goaway.last_stream_id) == (ENHANCE_YOUR_CALM, b"early_refusals", 2201)
    assert server.connection.counters == {"streams_refused": 1001, "early_refusals": 1}
    for n in range(100):
        server.answer(2 * n + 1)
    assert [sent.end_stream for sent in server.of("DATA")] == [True] * 100
    assert server.connection.open_inbound_streams == 0
    assert server.receive(request(20001)) is None
    server.connection.close_connection()
    assert server.connection.pull() == b""


def test_bodies_and_credit_go_on_after_it():
    """An upload that was admitted is read to its end, a download waits for its window."""
    server = Server()
    server.receive(request(1, end_stream=False) + burst(3, 1101))
    assert server.connection.respond(3, 200, [], b"x" * 100_000)
    server.reader.read(server.connection.pull())
    assert server.receive(frames.data(1, b"y" * 10_000) + frames.window_update(0, 100_000)
                          + frames.window_update(3, 100_000)) is None
    server.connection.consume(1, 10_000, merge=False)
    server.reader.read(server.connection.pull())
    assert sum(len(sent.data) for sent in server.of("DATA")) == 100_000
    assert [sent.increment for sent in server.of("WINDOW_UPDATE")] == [10_000, 10_000]
    assert server.receive(frames.data(1, b"", end_stream=True)) is None
    server.answer(1)
    assert server.connection.open_inbound_streams == 99 - 1


def test_refusals_after_the_acknowledgement_count_with_resets():
    """Then the client knows; but what was admitted is still answered."""
    server = Server()
    server.receive(burst(1, 300))
    assert server.receive(frames.settings_ack() + burst(601, 200)) is None
    error = server.receive(burst(1001, 1))
    assert isinstance(error, StreamsRefusedError)
    assert server.of("GOAWAY")[0].data == b"resets"
    server.answer(1)
    assert server.of("DATA")[-1].end_stream


def test_refusals_ten_seconds_after_the_first_count_with_resets():
    """A client that never acknowledges has had its time."""
    server = Server()
    server.receive(burst(1, 300))
    server.clock.now += 9.9
    server.receive(burst(601, 300))
    assert "early_refusals" not in server.connection.counters
    server.clock.now += 0.2
    assert server.receive(burst(1201, 200)) is None
    assert isinstance(server.receive(burst(1601, 1)), StreamsRefusedError)
    assert server.connection.counters == {"streams_refused": 200 + 300 + 201, "resets": 1}


def test_other_resets_have_no_such_bucket():
    """Rapid reset before the acknowledgement is what it is."""
    server = Server()
    with pytest.raises(DenialOfServiceError) as caught:
        server.connection.ready_requests(b"".join(
            bytes(request(n) + frames.rst_stream(n)) for n in range(1, 403, 2)))
    assert not isinstance(caught.value, StreamsRefusedError)


def test_the_setting_changes_it():
    """Five; and none."""
    server = Server(early_refusals=5)
    assert server.receive(burst(1, 105)) is None
    assert isinstance(server.receive(burst(211, 1)), StreamsRefusedError)
    server = Server(early_refusals=None)
    assert server.receive(burst(1, 5000)) is None
