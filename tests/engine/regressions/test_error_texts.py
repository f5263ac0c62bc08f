"""The text of an exception harms no log: octets are escaped, long values are cut, secrets are left out."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import server


def text(*fields):
    connection = server(rfc_errors=False)
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(frames.PREFACE + bytes(frames.settings()) + bytes(request(1, *fields, end_stream=False)))
    return str(caught.value)


def test_octets_that_break_a_line_or_a_terminal_are_escaped():
    shown = text((b"x-a", b"line\r\n\x1b[31m\xff"))
    assert r"b'line\r\n\x1b[31m\xff'" in shown
    assert shown.isprintable()


def test_a_long_name_or_value_is_cut():
    assert len(text((b"Y" * 3000, b"z"))) < 300
    assert len(text((b"content-length", b"9" * 3000), (b"content-length", b"5"))) < 300


@pytest.mark.parametrize("name", [b"authorization", b"proxy-authorization"])
def test_a_value_that_is_a_secret_is_not_shown(name):
    shown = text((name, b"secret\n"))
    assert "secret" not in shown
    assert "(value not shown)" in shown
