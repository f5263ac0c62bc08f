"""`FrameBuffer` cuts octets into hyperframe's frames as h2's does."""
import h2.exceptions
import h2.frame_buffer
import pytest
from hyperframe.frame import DataFrame

import fasth2.exceptions
import fasth2.frame_buffer
from tests.support import frames
from tests.support.frames import PREFACE
from tests.support.programs_of_python import python

BLOCK = [frames.headers(1, b"\x82", end_headers=False), frames.continuation(1, b"\x84", end_headers=False), frames.continuation(1, b"\x86")]
INPUTS = {
    "frames": [frames.settings((3, 1)), frames.data(1, b"abc").pad(5), frames.ping(), frames.Frame(0xBB, 7, 3, b"x")],
    "a field block": BLOCK,
    "a promise": [frames.push_promise(1, 2, b"\x82", end_headers=False), *BLOCK[1:]],
    "another frame in a block": [BLOCK[0], frames.ping()],
    "a block of another stream": [BLOCK[0], frames.continuation(3)],
    "too many frames of a block": [BLOCK[0], *[frames.continuation(1, end_headers=False)] * 64],
    "too long a frame": [frames.data(1, bytes(20000))],
    "too short a frame": [frames.rst_stream(1).body(b"x")],
    "stream 0": [frames.data(0, b"x")],
}


def cut(package, octets, step, server):
    """What comes out: each frame's text, and the exception's name."""
    buffer = package.frame_buffer.FrameBuffer(server=server)
    buffer.max_frame_size = 16384
    found = []
    try:
        for at in range(0, len(octets), step):
            buffer.add_data(octets[at:at + step])
            for frame in buffer:
                found.append((type(frame), frame.stream_id, sorted(frame.flags), frame.serialize()))
    except package.exceptions.ProtocolError as error:
        found.append((type(error).__name__, str(error)))
    return found


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("step", [1, 11, 100_000])
@pytest.mark.parametrize("server", [False, True])
def test_as_h2s(name, step, server):
    octets = (PREFACE if server else b"") + b"".join(map(bytes, INPUTS[name]))
    found = cut(fasth2, octets, step, server)
    assert found and found == cut(h2, octets, step, server)


def test_a_wrong_preface_is_refused():
    buffer = fasth2.frame_buffer.FrameBuffer(server=True)
    with pytest.raises(fasth2.exceptions.ProtocolError):
        buffer.add_data(b"GET / HTTP/1.1")


def test_what_was_taken_leaves_the_buffer():
    buffer = fasth2.frame_buffer.FrameBuffer()
    buffer.max_frame_size = 100
    buffer.add_data(memoryview(bytes(frames.data(1, b"abc")) + b"rest"))
    assert isinstance(next(buffer), DataFrame)
    assert buffer._data == b"rest"


def test_without_hyperframe_it_says_so():
    ended = python("-c", "import fasth2.frame_buffer as f; b = f.FrameBuffer(); b.add_data(bytes(9)); next(b)")
    assert "import hyperframe.frame" in ended.stderr
