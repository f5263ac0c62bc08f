"""An error names the field that it is about."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import server


def message(*fields):
    connection = server(rfc_errors=False)
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(frames.PREFACE + bytes(frames.settings()) + bytes(request(1, *fields, end_stream=False)))
    return str(caught.value)


def test_a_later_fault_does_not_take_the_place_of_a_bad_content_length():
    assert "5 and 6" in message((b"content-length", b"5"), (b"content-length", b"6"), (b":late", b"x"))
    assert "content-length" in message((b"content-length", b"-5"), (b":late", b"x"))


def test_nor_a_bad_content_length_that_of_the_order():
    assert "b':method'" in message((b"x", b"y"), (b":method", b"GET"))
