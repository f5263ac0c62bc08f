"""RFC 9113 section 7: error codes."""
import pytest

from fasth2.errors import ErrorCodes
from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, assert_answered, survived

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
UNKNOWN = [0xE, 0xFF, 0x1000, 2**31, 2**32 - 1]


@both_modes
@pytest.mark.parametrize("code", UNKNOWN)
def test_an_unknown_code_in_a_reset_has_no_special_effect(code, rfc_errors):
    """"Unknown or unsupported error codes MUST NOT trigger any special behavior"."""
    outcome = survived(request(1), request(3), frames.rst_stream(3, code), answer(1), rfc_errors=rfc_errors)
    [event] = outcome.of("StreamReset")
    assert event.error_code == code
    assert not isinstance(event.error_code, ErrorCodes)
    assert_answered(outcome, 1)


@both_modes
@pytest.mark.parametrize("code", UNKNOWN)
def test_an_unknown_code_in_goaway_has_no_special_effect(code, rfc_errors):
    """The code is handed on as the number it is."""
    [event] = accepted(request(1), frames.goaway(1, code), rfc_errors=rfc_errors).of("ConnectionTerminated")
    assert event.error_code == code
    assert not isinstance(event.error_code, ErrorCodes)


@both_modes
@pytest.mark.parametrize("code", list(ErrorCodes))
def test_known_codes_are_given_by_name(code, rfc_errors):
    """The 14 codes of the registry are members of ErrorCodes."""
    outcome = survived(request(1), frames.rst_stream(1, code), frames.goaway(1, code), rfc_errors=rfc_errors)
    assert outcome.of("StreamReset")[0].error_code is code
    assert outcome.of("ConnectionTerminated")[0].error_code is code


def test_the_registry_has_fourteen_codes():
    """Names and numbers of section 7."""
    assert [(code.name, int(code)) for code in ErrorCodes] == [
        ("NO_ERROR", 0x0), ("PROTOCOL_ERROR", 0x1), ("INTERNAL_ERROR", 0x2), ("FLOW_CONTROL_ERROR", 0x3),
        ("SETTINGS_TIMEOUT", 0x4), ("STREAM_CLOSED", 0x5), ("FRAME_SIZE_ERROR", 0x6), ("REFUSED_STREAM", 0x7),
        ("CANCEL", 0x8), ("COMPRESSION_ERROR", 0x9), ("CONNECT_ERROR", 0xA), ("ENHANCE_YOUR_CALM", 0xB),
        ("INADEQUATE_SECURITY", 0xC), ("HTTP_1_1_REQUIRED", 0xD)]
