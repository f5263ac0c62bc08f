"""GOAWAY's debug data has to fit a frame that the peer takes."""
import pytest

from fasth2.exceptions import FrameTooLargeError
from tests.support.play import server


@pytest.mark.parametrize("length", [16384 - 7, 2**24 + 5])
def test_debug_data_that_fits_no_frame_is_refused(length):
    """Over 2**24 octets the length field would wrap, and the rest be read as frames."""
    connection = server()
    connection.data_to_send()
    with pytest.raises(FrameTooLargeError):
        connection.close_connection(0, b"x" * length)
    assert connection.data_to_send() == b""
    connection.ping(b"12345678")


def test_debug_data_that_just_fits_is_sent():
    connection = server()
    connection.data_to_send()
    connection.close_connection(0, b"x" * (16384 - 8))
    assert len(connection.data_to_send()) == 9 + 16384
