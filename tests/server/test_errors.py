"""The exceptions of the façade."""
import pytest

import fasth2
from fasth2.server import errors

CODES = {
    "HTTP2Error": 0x0, "HTTP2ProtocolError": 0x1, "HTTP2InternalError": 0x2, "HTTP2FlowControlError": 0x3,
    "HTTP2SettingsTimeout": 0x4, "HTTP2StreamClosed": 0x5, "HTTP2FrameSizeError": 0x6, "HTTP2RefusedStream": 0x7,
    "HTTP2Cancel": 0x8, "HTTP2CompressionError": 0x9, "HTTP2ConnectError": 0xA, "HTTP2EnhanceYourCalm": 0xB,
    "HTTP2InadequateSecurity": 0xC, "HTTP2RequiresHTTP11": 0xD, "HTTP2ConnectionError": 0x0,
    "HTTP2ConfigurationError": 0x0, "HTTP2NotAvailable": 0x0,
}


@pytest.mark.parametrize("name", [*CODES, "HTTP2StreamError"])
def test_each_is_an_HTTP2Error_and_found_on_the_package(name):
    error = getattr(errors, name)
    assert issubclass(error, errors.HTTP2Error)
    assert getattr(fasth2, name) is error


@pytest.mark.parametrize("name, code", CODES.items())
def test_codes_and_messages(name, code):
    error = getattr(errors, name)
    assert error().error_code == code
    assert error().message == error.__doc__
    assert str(error("what")) == "what"
    assert error("what", 0x7).error_code == 0x7


def test_a_stream_error_names_its_stream():
    error = errors.HTTP2StreamError(7, "what", 0x8)
    assert (error.stream_id, error.error_code, str(error)) == (7, 0x8, "Stream 7: what")
