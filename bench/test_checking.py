"""The checker refuses answers that are wrong in one place."""
import pytest
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, WindowUpdateFrame

from .checking import WrongAnswer, check
from .rows import runner, workload_of

SCALE = 10


def _frames(sent):
    frames = []
    while sent:
        frame, length = Frame.parse_frame_header(memoryview(sent[:9]))
        frame.parse_body(memoryview(sent[9 : 9 + length]))
        frames.append(frame)
        sent = sent[9 + length :]
    return frames


@pytest.fixture(params=["small_get", "upload_64b"])
def workload(request):
    return workload_of(request.param, SCALE)


@pytest.fixture
def frames(workload):
    sent = runner(workload.name, "h2", SCALE).answers()[0]
    check(sent, workload)
    return _frames(sent)


def _refused(frames, workload, reason):
    with pytest.raises(WrongAnswer, match=reason):
        check(b"".join(frame.serialize() for frame in frames), workload)


def _last(frames, kind):
    return [frame for frame in frames if isinstance(frame, kind)][-1]


def test_a_changed_octet_of_a_body_is_refused(frames, workload):
    last = _last(frames, DataFrame)
    last.data = b"?" + bytes(last.data)[1:]
    _refused(frames, workload, "another body")


def test_a_missing_end_of_stream_is_refused(frames, workload):
    _last(frames, DataFrame).flags.discard("END_STREAM")
    _refused(frames, workload, "requests were answered")


def test_a_missing_answer_is_refused(frames, workload):
    last = _last(frames, HeadersFrame).stream_id
    _refused([frame for frame in frames if frame.stream_id != last], workload, "requests were answered")


def test_another_status_is_refused(frames, workload):
    last = _last(frames, HeadersFrame)
    # The static table's 204 instead of its 200.
    assert bytes(last.data)[0] == 0x88
    last.data = b"\x89" + bytes(last.data)[1:]
    _refused(frames, workload, "expected")


def test_a_frame_after_the_end_is_refused(frames, workload):
    _refused([*frames, _last(frames, DataFrame)], workload, "after its end")


def test_goaway_is_refused(frames, workload):
    _refused([*frames, GoAwayFrame(0)], workload, "gave up")


def test_an_upload_without_credit_is_refused():
    workload = workload_of("upload_1m", SCALE)
    sent = runner(workload.name, "h2", SCALE).answers()[0]
    kept = [frame for frame in _frames(sent) if not isinstance(frame, WindowUpdateFrame)]
    _refused(kept, workload, "credit")
