"""Whether a contestant gave the right answers, by hyperframe and hpack."""
from __future__ import annotations

import hpack
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, WindowUpdateFrame

from .recording import FRAME_SIZE, Workload


class WrongAnswer(AssertionError):
    """A contestant did not answer as the workload says."""


def _frames(sent: bytes) -> list[Frame]:
    view = memoryview(sent)
    frames = []
    while view:
        frame, length = Frame.parse_frame_header(view[:9])
        if length > FRAME_SIZE or length > len(view) - 9:
            raise WrongAnswer(f"a frame of {length} octets, {len(view) - 9} are left")
        frame.parse_body(view[9 : 9 + length])
        frames.append(frame)
        view = view[9 + length :]
    return frames


def check(sent: bytes, workload: Workload) -> None:
    """Check what one connection was sent.

    Args:
        sent: All the server's bytes, SETTINGS first.
        workload: The workload it was given, once.

    Raises:
        WrongAnswer: A request lacks its answer, or an answer differs from the one the
            workload asks for in status, header fields, body or order of frames.
    """
    answers = workload.warmup_answers + workload.answers
    decoder = hpack.Decoder()
    headers: dict[int, dict[bytes, bytes]] = {}
    bodies: dict[int, list[bytes]] = {}
    ended: set[int] = set()
    credit = 0
    for frame in _frames(sent):
        if isinstance(frame, (GoAwayFrame, RstStreamFrame)):
            raise WrongAnswer(f"the server gave up: {frame}")
        if isinstance(frame, WindowUpdateFrame) and frame.stream_id == 0:
            credit += frame.window_increment
        if not isinstance(frame, (HeadersFrame, DataFrame)):
            continue
        stream_id = frame.stream_id
        if stream_id in ended:
            raise WrongAnswer(f"stream {stream_id}: a frame after its end")
        if isinstance(frame, HeadersFrame):
            if stream_id in headers or "END_HEADERS" not in frame.flags:
                raise WrongAnswer(f"stream {stream_id}: not one HEADERS frame")
            headers[stream_id] = dict(decoder.decode(frame.data, raw=True))
            bodies[stream_id] = []
        else:
            bodies[stream_id].append(bytes(frame.data))
        if "END_STREAM" in frame.flags:
            ended.add(stream_id)

    expected_ids = list(range(1, 2 * len(answers), 2))
    if sorted(headers) != expected_ids or sorted(ended) != expected_ids:
        raise WrongAnswer(f"{len(ended)} of {len(answers)} requests were answered")
    for stream_id, answer in zip(expected_ids, answers):
        expected = {
            b":status": b"200",
            b"content-type": b"text/plain",
            b"content-length": answer.length,
            b"server": b"bench",
            b"date": answer.date,
        }
        if headers[stream_id] != expected:
            raise WrongAnswer(f"stream {stream_id}: {headers[stream_id]}, expected {expected}")
        if b"".join(bodies[stream_id]) != answer.body:
            raise WrongAnswer(f"stream {stream_id}: another body than expected")
    uploaded = workload.uploaded * len(workload.answers)
    if credit < uploaded - 65_535:
        raise WrongAnswer(f"the client got credit for {credit} of {uploaded} octets")


def check_answers(runner, workload: Workload) -> None:
    """Let a contestant serve once and check every answer.

    Args:
        runner: A ``Runner`` or a ``Child``.
        workload: What it serves.

    Raises:
        WrongAnswer: An answer is not the workload's.
    """
    sent = runner.answers()
    assert len(sent) == workload.connections
    for of_connection in sent:
        check(of_connection, workload)
