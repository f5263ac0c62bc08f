"""L5 and L6 count what is unsent, also where the output is never empty."""
import pytest

from fasth2.exceptions import DenialOfServiceError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import server

# What each test counts are the frames of one connection, which the threads would share.
pytestmark = pytest.mark.thread_unsafe(reason="its fixture is a connection")

BACKLOG = 8 * 16384


@pytest.fixture
def busy():
    """A connection in the middle of a download, with some frames of it always waiting in the output."""
    connection = server(rfc_errors=False)
    connection.receive_data(frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 2**30)))
                            + bytes(request(1)) + bytes(frames.window_update(0, 2**30)))
    connection.data_to_send()
    connection.send_headers(1, [(":status", "200")])
    for _ in range(8):
        connection.send_data(1, b"x" * 16384)
    return connection


def test_acknowledgements_that_were_sent_do_not_count(busy):
    """A client that pings during a long download, and reads, is never refused."""
    for _ in range(6000):
        busy.receive_data(bytes(frames.ping(b"12345678")))
        assert busy.data_to_send(16384)
        busy.send_data(1, b"x" * 16384)


def test_acknowledgements_behind_a_standing_output_count_until_they_are_sent(busy):
    """Octets handed out that lie before the acknowledgements take nothing off."""
    with pytest.raises(DenialOfServiceError):
        for _ in range(1001):
            busy.receive_data(bytes(frames.ping(b"12345678")))
            busy.data_to_send(100)
