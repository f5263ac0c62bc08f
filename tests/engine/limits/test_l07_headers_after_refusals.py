"""L3, L7: HEADERS behind the GOAWAY for refused streams. 10,000 may have been on their way; more carry nothing."""
import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import DenialOfServiceError, StreamsRefusedError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader

from .flood import ENHANCE_YOUR_CALM, Clock

calls = pytest.mark.parametrize("call", ["receive_data", "ready_requests"])


class Server:
    """A server that has sent GOAWAY for streams it refused; one that it admitted is not answered yet. The first of 51
    suspicious frames is the SETTINGS."""

    def __init__(self, call, **limits):
        self.connection = H2Connection(H2Configuration(
            client_side=False, rfc_errors=True, clock=Clock(),
            limits=Limits(**{"concurrent_streams": 1, "suspicious_burst": 51, "reset_burst": 50, **limits})))
        self.connection.initiate_connection()
        self.read = getattr(self.connection, call)
        self.reader = FrameReader()
        self.next_id = 1
        self.read(bytes(PREFACE + frames.settings()))

    def send(self, count, **kwargs):
        """Receive so many requests, each of a stream of its own."""
        first, self.next_id = self.next_id, self.next_id + 2 * count
        self.receive(b"".join(bytes(request(first + 2 * n, **kwargs)) for n in range(count)))

    def receive(self, octets):
        """Receive them."""
        try:
            self.read(bytes(octets))
        finally:
            self.reader.read(self.connection.pull())

    @property
    def goaways(self):
        """Code and debug data of each."""
        return [(sent.error_code, sent.data) for sent in self.reader.sent if sent.kind == "GOAWAY"]

    def crosses(self, octets):
        """Receive what ends the connection for good."""
        with pytest.raises(DenialOfServiceError) as caught:
            self.receive(octets)
        assert not isinstance(caught.value, StreamsRefusedError)
        assert self.goaways[1:] == [(ENHANCE_YOUR_CALM, b"suspicious_frames")]
        assert self.connection.counters["suspicious_frames"] == 1


@pytest.fixture
def parted(call):
    """Ten early refusals are too many."""
    server = Server(call, early_refusals=10)
    with pytest.raises(StreamsRefusedError):
        server.send(12)
    assert server.goaways == [(ENHANCE_YOUR_CALM, b"early_refusals")]
    return server


@calls
@pytest.mark.parametrize("end_stream", [True, False])
def test_more_than_may_have_been_on_their_way_end_the_connection(end_stream, parted):
    """A hundred are free, fifty more are the limit on suspicious frames."""
    parted.send(150, end_stream=end_stream)
    assert len(parted.goaways) == 1
    parted.crosses(request(parted.next_id, end_stream=end_stream))


@calls
def test_one_number_again_and_again_ends_it_too(parted):
    """What is not new counts as what is."""
    parted.receive(b"".join(bytes(request(2001)) for _ in range(150)))
    assert len(parted.goaways) == 1
    parted.crosses(request(2001))


@calls
def test_one_number_lets_one_window_of_DATA_through(parted):
    """Ten HEADERS of one stream are one window, 65,535 octets, not ten; the eleven refused streams have one each."""
    parted.receive(b"".join(bytes(request(2001, end_stream=False)) for _ in range(10)))
    for _ in range(12):
        parted.receive(frames.data(2001, b"x" * 16_384) * 3 + frames.data(2001, b"x" * 16_383))
    assert len(parted.goaways) == 1
    parted.receive(frames.data(2001, b"x") * 50)
    assert len(parted.goaways) == 1
    parted.crosses(frames.data(2001, b"x"))


@calls
def test_the_stream_that_was_admitted_is_answered_meanwhile(parted):
    """As long as the limit is not crossed."""
    parted.send(150)
    assert parted.connection.respond(1, 200, [], b"answer")
    parted.receive(b"")
    assert [(sent.stream_id, sent.end_stream) for sent in parted.reader.sent if sent.kind == "DATA"] == [(1, True)]


@calls
def test_without_a_limit_on_early_refusals_any_number_may_come(call):
    """The GOAWAY is then for resets; `early_refusals=None` says that refused streams are no attack."""
    server = Server(call, early_refusals=None)
    server.receive(frames.settings_ack())
    with pytest.raises(StreamsRefusedError):
        server.send(52)
    server.send(500)
    assert server.goaways == [(ENHANCE_YOUR_CALM, b"resets")]
