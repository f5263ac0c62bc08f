"""Encodings that the HPACK decoder leaves to Python's codecs."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from tests.support import frames
from tests.support.fields import request


def ready(value, **config):
    """What ready_requests makes of a request with a field of that value."""
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True, **config))
    return connection.ready_requests(frames.PREFACE + bytes(frames.settings()) + bytes(request(1, (b"x-value", value))))


def test_ready_requests_decodes_with_any_codec():
    [item] = ready("5 €".encode("cp1252"), header_encoding="cp1252")
    assert item.headers[-1] == ("x-value", "5 €")
    assert {type(pair) for pair in item.headers} == {tuple}


def test_the_fallback_holds_for_any_codec():
    """0x81 means nothing in cp1252."""
    [item] = ready(b"\x81", header_encoding="cp1252", header_fallback_encoding="latin-1")
    assert item.headers[-1] == ("x-value", "\x81")


def test_without_a_fallback_the_stream_is_refused():
    [item] = ready(b"\x81", header_encoding="cp1252")
    assert (item.stream_id, int(item.error_code)) == (1, 1)


@pytest.mark.parametrize("encoding", [None, "utf-8", "cp1252"])
def test_events_and_ready_objects_agree(encoding):
    [item] = ready(b"plain", header_encoding=encoding)
    connection = H2Connection(H2Configuration(client_side=False, header_encoding=encoding))
    events = connection.receive_data(frames.PREFACE + bytes(frames.settings()) + bytes(request(1, (b"x-value", b"plain"))))
    assert [tuple(field) for field in events[1].headers] == item.headers
