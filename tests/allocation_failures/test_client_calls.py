"""Each allocation of a client's calls fails in turn: nothing half-done, as in `test_calls` for servers.

After a failure in a call that sends, the same call made again succeeds and the output is what it would have been. After
a failure in a call that reads, the connection is over: GOAWAY INTERNAL_ERROR, later input ignored.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.hpack.hpack import Decoder, Encoder
from tests.support import frames
from tests.support.client import fields, promise, response
from tests.support.fields import block, in_frames, request_fields
from tests.support.frames import FrameReader
from tests.support.heap import alone

CONFIG = H2Configuration(client_side=True, rfc_errors=True)
# Text takes memory, octets do not.
ASK: Any = [*request_fields(), *[(f"X-Name-{n}", "\u00e9" * 50) for n in range(5)], ("cookie", "a=b"), ("cookie", "c=d")]
# Made beforehand: CPython 3.12.1 and 3.13.0 crash where a generator expression finds no memory.
LARGE = [*ASK, *[(f"x-{n}", "v" * 300) for n in range(90)]]

#: What a client's user calls on a connection with a request on stream 1.
CALLS: dict[str, Callable[[H2Connection], Any]] = {
    "a request": lambda c: c.send_headers(3, ASK, end_stream=True),
    "a request with a priority": lambda c: c.send_headers(3, ASK, priority_weight=5, priority_depends_on=1),
    "a large request": lambda c: c.send_headers(3, LARGE),
    "data": lambda c: c.send_data(1, b"d" * 3000),
    "trailers": lambda c: c.send_headers(1, [("x-sum", "1" * 100)], end_stream=True),
    "a body that is queued": lambda c: c.write(1, bytearray(b"b" * 200), end_stream=True),
    "a priority": lambda c: c.prioritize(1, 5, 0, True),
    "a priority of a stream to come": lambda c: c.prioritize(7, 5),
    "reset": lambda c: c.reset_stream(1, 8),
    "settings": lambda c: c.update_settings({2: 0, 3: 5, 4: 9}),
    "window": lambda c: c.increment_flow_control_window(5, 1),
    "ping": lambda c: c.ping(b"12345678"),
    "goaway": lambda c: c.close_connection(0, b"bye" * 50),
    "a deleted stream": lambda c: c.streams.__delitem__(1),
    "streams that are left out": lambda c: setattr(c, "streams", {}),
    "identifiers": lambda c: setattr(c, "highest_outbound_stream_id", 2**30 + 1),
}

#: What a server sends; every kind that a client receives, good and bad.
INPUT = b"".join(bytes(frame) for frame in [
    response(1, ("link", "x" * 50), status="103"), promise(1, 2, ("x-pushed", "v" * 100)), promise(1, 4, method="POST"),
    promise(1, 6, path=None), response(2, ("x", "y" * 50)), frames.data(2, b"d" * 3000, end_stream=True),
    *in_frames(1, block([(":status", "200"), ("x-other", "v" * 300)]), 50, end_stream=False), frames.data(1, b"d" * 3000),
    frames.altsvc(1), frames.altsvc(0, b"https://example.com"), frames.origin(b"https://example.com"), frames.ping(b"12345678"),
    frames.settings((4, 70000), (1, 100), (3, 50)), frames.window_update(1, 9), frames.unknown(payload=b"u" * 100),
    fields(1, [("x-sum", "1")], end_stream=True), response(3, ("Upper", "x")), frames.rst_stream(5), frames.goaway(5, 0, b"debug" * 20)])


def connected() -> H2Connection:
    """A client's connection with three requests, whose output was read."""
    connection = H2Connection(CONFIG)
    connection.initiate_connection()
    connection.receive_data(frames.settings((frames.MAX_CONCURRENT_STREAMS, 100)) + frames.settings_ack())
    connection.send_headers(1, ASK)
    return connection


def fail_each(make: Callable[[], Any], act: Callable[[Any], Any], check: Callable[[Any, bool], None]) -> int:
    """Run ``act(make())`` with the nth allocation failing, and with all from it on, for each n until it succeeds.

    Args:
        make: Makes what is acted on.
        act: Does the work.
        check: Called with what was acted on, and whether it succeeded.

    Returns:
        The number of failures.
    """
    import _testcapi

    failures = succeeded = 0
    for n in range(1, 5000):
        for stop in (n + 1, 0):
            subject = make()
            done = False
            _testcapi.set_nomemory(n, stop)
            try:
                try:
                    act(subject)
                    done = True
                finally:
                    _testcapi.remove_mem_hooks()
            except MemoryError:
                failures += 1
            check(subject, done)
        # Where all fail, only what is absorbed can.
        succeeded = succeeded + 1 if done else 0
        if succeeded > 20:
            return failures
    raise AssertionError("it never succeeds")


def state_of(connection: H2Connection) -> Any:
    """What a failed call must not change."""
    return (sorted(connection.streams), connection.open_outbound_streams, connection.highest_outbound_stream_id,
            connection.outbound_flow_control_window, connection.local_flow_control_window(1) if 1 in connection.streams else None,
            connection.encoder.header_table)


def call_each_again() -> dict[str, int]:
    """Make each call with each allocation failing; then again. Return the failures of each."""
    return {name: call_again(call) for name, call in CALLS.items()}


def call_again(call: Callable[[H2Connection], Any]) -> int:
    """Make a call with each allocation failing; then again."""
    def made() -> H2Connection:
        connection = connected()
        connection.data_to_send()
        return connection

    before = state_of(made())
    expected = made()
    call(expected)
    after, output = state_of(expected), expected.data_to_send()

    def check(connection: H2Connection, done: bool) -> None:
        if not done:
            assert state_of(connection) == before, "a failed call left something"
            call(connection)
        assert state_of(connection) == after
        assert connection.data_to_send() == output

    return fail_each(made, call, check)


def test_calls_that_fail_can_be_made_again():
    """Streams, identifiers, windows and the encoder's table are as before."""
    failures = alone(call_each_again)
    assert sorted(failures) == sorted(CALLS)
    # A small frame has room in the output as it is.
    assert all(failures[name] > 10 for name in CALLS if "request" in name), failures


def read_each() -> list[int]:
    """Read the input, whole and in pieces, with each allocation failing. Return the failures of each way."""
    return [read_pieces(step) for step in (len(INPUT), 97)]


def read_pieces(step: int) -> int:
    """Read the input in pieces with each allocation failing."""
    def made() -> H2Connection:
        connection = connected()
        for stream_id in (3, 5):
            connection.send_headers(stream_id, ASK, end_stream=True)
        connection.data_to_send()
        return connection

    def act(connection: H2Connection) -> None:
        for at in range(0, len(INPUT), step):
            connection.receive_data(INPUT[at:at + step])

    def check(connection: H2Connection, done: bool) -> None:
        output = connection.data_to_send()
        sent = FrameReader().read(output)
        if not done and sent and sent[-1].kind == "GOAWAY":
            assert sent[-1].error_code == 2
            assert connection.receive_data(INPUT) == []
            assert connection.data_to_send() == b""

    return fail_each(made, act, check)


def test_reading_with_too_little_memory_ends_the_connection():
    """Promises, responses, interim ones, trailers and alternative services, whole and in pieces."""
    assert min(alone(read_each)) > 50


def code_each() -> list[int]:
    """Code with each allocation failing, octets and text. Return the failures of each."""
    return [code(text) for text in (False, True)]


def code(text: bool) -> int:
    """Use hpack's names: an encoder keeps its table, a decoder is thrown away."""
    headers = [(f"x-{n}", "v" * 50) for n in range(30)]

    def made() -> list[Any]:
        return [Encoder(), Decoder(), []]

    def act(kept: list[Any]) -> None:
        encoder, decoder, blocks = kept
        blocks.append(encoder.encode(headers))
        decoder.decode(blocks[0], raw=not text)

    def check(kept: list[Any], done: bool) -> None:
        encoder, decoder, blocks = kept
        if not blocks and not encoder.header_table.dynamic_entries:
            # Nothing was encoded: the next block is as good as the first.
            assert Decoder().decode(encoder.encode(headers)) == headers
        decoder.header_table_size = 0
        repr(encoder.header_table), repr(decoder.header_table)

    return fail_each(made, act, check)


def test_hpack_alone_with_too_little_memory():
    """`fasth2.hpack.Encoder` and `Decoder`, with octets and with text."""
    assert min(alone(code_each)) > 20
