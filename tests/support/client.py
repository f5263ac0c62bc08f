"""Steps and parts for connections on the client's side, as tests.support.play takes them."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from fasth2.connection import H2Connection

from . import frames, play
from .fields import block, request_fields
from .frames import Frame

accepted = partial(play.accepted, client_side=True)
survived = partial(play.survived, client_side=True)
connection_error = partial(play.connection_error, client_side=True)


def asks(stream_id: int, *extra: tuple[str, str], end_stream: bool = True,
         **pseudo: str | None) -> Callable[[H2Connection], None]:
    """A step that sends a request."""
    def step(connection: H2Connection) -> None:
        connection.send_headers(stream_id, request_fields(*extra, **pseudo), end_stream=end_stream)
    return step


def does(name: str, *arguments: Any, **keywords: Any) -> Callable[[H2Connection], Any]:
    """A step that calls a method."""
    return lambda connection: getattr(connection, name)(*arguments, **keywords)


def response(stream_id: int, *extra: tuple[str, str], status: str = "200", end_stream: bool = False) -> Frame:
    """A response's header fields in one frame."""
    return fields(stream_id, [(":status", status), *extra], end_stream)


def fields(stream_id: int, headers: Iterable[tuple[str | bytes, str | bytes]], end_stream: bool = False) -> Frame:
    """Any header list in one frame."""
    return frames.headers(stream_id, block(headers), end_stream=end_stream)


def promise(stream_id: int, promised: int, *extra: tuple[str, str], **pseudo: str | None) -> Frame:
    """A promised request in one frame."""
    return frames.push_promise(stream_id, promised, block(request_fields(*extra, **pseudo)))


def stream_error(*steps: play.Step, stream_id: int, code: int, **options: Any) -> play.Outcome:
    """Plays steps that cost one stream: a later request still gets its response."""
    outcome = survived(*steps, asks(1001), response(1001, ("x-later", "yes"), end_stream=True), **options)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(stream_id, code)]
    resets = outcome.of("StreamReset")
    assert [(one.stream_id, int(one.error_code), one.remote_reset) for one in resets] == [(stream_id, code, False)]
    assert [event.stream_id for event in outcome.of("ResponseReceived")][-1] == 1001
    assert stream_id not in outcome.connection.streams
    return outcome
