"""RFC 9113 sections 6.6 and 8.4: PUSH_PROMISE, which a server never takes."""
import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import connection_error

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
GOOD = block(request_fields())


@both_modes
@pytest.mark.parametrize("frame", [
    frames.push_promise(1, 2, GOOD), frames.push_promise(1, 3, GOOD), frames.push_promise(1, 0, GOOD),
    frames.push_promise(3, 2, GOOD), frames.push_promise(2, 4, GOOD), frames.push_promise(1, 2, GOOD).pad(5),
    frames.push_promise(0, 2, GOOD),
], ids=repr)
def test_a_server_refuses_every_push_promise(frame, rfc_errors):
    """8.4: "A client cannot push. Thus, servers MUST treat the receipt of a PUSH_PROMISE frame as a connection error
    ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1, end_stream=False), frame, code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
def test_a_push_promise_is_refused_before_its_block_is_whole(rfc_errors):
    """Nothing is gained by waiting for CONTINUATION."""
    connection_error(request(1, end_stream=False), frames.push_promise(1, 2, GOOD[:3], end_headers=False),
                     frames.continuation(1, GOOD[3:]), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)
