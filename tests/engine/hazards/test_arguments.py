"""Arguments of wrong types, and integers that are huge or negative: an exception at once, nothing changed."""
import pytest

from fasth2.exceptions import H2Error
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import RESPONSE, server

REFUSED = (TypeError, ValueError, OverflowError, H2Error, LookupError, AttributeError)
NUMBERS = [-1, -2**31, -2**63, -2**200, 2**31, 2**32, 2**32 + 1, 2**63, 2**64, 2**64 + 1, 2**200, 1.5, float("nan"), "1", b"1",
           None, [], object()]
THINGS = [None, 0, 5, -1, 1.5, "text", b"octets", [], {}, (), object(), True, [None], [()], [("a",)], [("a", "b", "c", "d")],
          [("a", None)], [(None, "b")], [(1, 2)], ["ab"], [["a", "b"]], [b"ab"], range(3), {"a": "b"}, {1: 2}, iter([])]

#: method and arguments; ``...`` is where the odd value goes.
CALLS = [
    ("send_headers", (..., RESPONSE)), ("send_headers", (1, ...)), ("send_data", (..., b"x")), ("send_data", (1, ...)),
    ("send_data", (1, b"x", False, ...)), ("end_stream", (...,)), ("reset_stream", (...,)), ("reset_stream", (1, ...)),
    ("increment_flow_control_window", (...,)), ("increment_flow_control_window", (1, ...)), ("ping", (...,)),
    ("acknowledge_received_data", (..., 1)), ("acknowledge_received_data", (0, ...)), ("update_settings", (...,)),
    ("local_flow_control_window", (...,)), ("remote_flow_control_window", (...,)), ("prioritize", (...,)),
    ("advertise_alternative_service", (...,)), ("advertise_alternative_service", (b"h2", ...)),
    ("advertise_alternative_service", (b"h2", None, ...)), ("push_stream", (..., 2, RESPONSE)),
    ("push_stream", (1, ..., RESPONSE)), ("push_stream", (1, 2, ...)), ("respond", (..., 200, [])),
    ("respond", (1, ..., [])), ("respond", (1, 200, ...)), ("respond", (1, 200, [], ...)),
    ("respond", (1, 200, [], b"", ...)), ("write", (..., b"x")), ("write", (1, ...)), ("consume", (..., 1)),
    ("consume", (1, ...)), ("unsent", (...,)), ("receive_data", (...,)), ("ready_requests", (...,)),
    ("data_to_send", (...,)), ("pull", (...,)), ("initiate_upgrade_connection", (...,)),
]

#: Values that a call may take; what it does with them is tested elsewhere.
HARMLESS = {
    "data_to_send": (int, type(None)), "pull": (int,), "unsent": (int,), "receive_data": (bytes,), "ready_requests": (bytes,),
}


def fresh():
    """A connection with stream 1 open."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack() + request(1, end_stream=False))
    connection.data_to_send()
    return connection


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[f"{name}-{arguments.index(...)}" for name, arguments in CALLS])
def test_odd_arguments_raise_or_do_something_sane(name, arguments):
    """Never a crash, never half a frame, and the connection still works."""
    refused = 0
    for odd in [*NUMBERS, *THINGS]:
        connection = fresh()
        call = getattr(connection, name)
        try:
            call(*(odd if one is ... else one for one in arguments))
        except REFUSED:
            refused += 1
        output = connection.data_to_send() if name != "initiate_upgrade_connection" else b""
        FrameReader().read(output)
        assert connection.open_inbound_streams <= 1
        assert len(connection.streams) <= 1
    assert refused > 0 or name in ("unsent",)


@pytest.mark.parametrize("odd", [n for n in NUMBERS if isinstance(n, int)])
def test_stream_identifiers_out_of_range_are_never_taken_for_others(odd):
    """2**32 + 1 is not stream 1."""
    connection = fresh()
    for call in (lambda: connection.send_headers(odd, RESPONSE), lambda: connection.send_data(odd, b"x"),
                 lambda: connection.end_stream(odd), lambda: connection.reset_stream(odd),
                 lambda: connection.increment_flow_control_window(1, odd), lambda: connection.respond(odd, 200, []),
                 lambda: connection.local_flow_control_window(odd), lambda: connection.write(odd, b"x"),
                 lambda: connection.consume(odd, 0) if odd < 0 or odd > 2**31 else connection.end_stream(odd)):
        with pytest.raises(REFUSED):
            call()
    assert connection.data_to_send() == b""
    assert list(connection.streams) == [1]


@pytest.mark.parametrize("code", [-1, 2**32, 2**64, 1.5, "x", None])
def test_error_codes_have_32_bits(code):
    """reset_stream and close_connection."""
    connection = fresh()
    for call in (lambda: connection.reset_stream(1, code), lambda: connection.close_connection(code),
                 lambda: connection.close_connection(0, None, code) if code is not None else connection.reset_stream(1, code)):
        with pytest.raises(REFUSED):
            call()
    assert connection.data_to_send() == b""
    connection.reset_stream(1, 2**32 - 1)
    connection.close_connection(2**32 - 1)
    assert [one.error_code for one in FrameReader().read(connection.data_to_send())] == [2**32 - 1] * 2


@pytest.mark.parametrize("settings", [
    {3: -1}, {3: 2**32}, {3: 2**64}, {3: "5"}, {3: 1.5}, {3: None}, {-1: 5}, {2**16: 5}, {"3": 5}, {None: 1}, {4: 2**31},
    {5: 0}, {5: 2**24}, {2: 2}, {8: 2}, {1: -1}, {6: -1}, {6: 2**32},
])
def test_settings_out_of_range_are_refused(settings):
    """And nothing is pending after."""
    connection = fresh()
    before = dict(connection.local_settings)
    with pytest.raises(REFUSED):
        connection.update_settings({3: 7, **settings})
    assert connection.data_to_send() == b""
    connection.receive_data(bytes(frames.settings_ack()))
    assert dict(connection.local_settings) == before


@pytest.mark.parametrize("pad_length", [-1, 256, 2**31, 2**64])
def test_padding_has_eight_bits(pad_length):
    """h2's ValueError; TypeError for what is no int."""
    connection = fresh()
    connection.send_headers(1, RESPONSE)
    connection.data_to_send()
    with pytest.raises(ValueError, match="pad_length"):
        connection.send_data(1, b"x", pad_length=pad_length)
    with pytest.raises(TypeError, match="pad_length"):
        connection.send_data(1, b"x", pad_length="5")
    assert connection.data_to_send() == b""


@pytest.mark.parametrize("number", [0, 5, 2**33])
def test_a_number_is_not_taken_for_so_many_octets(number):
    """``bytes(5)`` makes octets out of nothing, and ``bytes(2**33)`` eight gigabytes."""
    for call in (lambda c: c.initiate_upgrade_connection(number or 1),
                 lambda c: c.advertise_alternative_service(b"h2", origin=number),
                 lambda c: c.advertise_alternative_service(number, origin=b"o"), lambda c: c.write(1, number),
                 lambda c: c.respond(1, 200, [], number), lambda c: c.receive_data(number), lambda c: c.ping(number)):
        connection = fresh()
        with pytest.raises((TypeError, ValueError)):
            call(connection)
        assert connection.data_to_send() == b""


@pytest.mark.parametrize("data", [b"", bytearray(b""), memoryview(b"")])
def test_empty_input_is_nothing(data):
    """In both ways of reading."""
    connection = fresh()
    assert connection.receive_data(data) == []
    assert connection.ready_requests(data) == []


def test_buffers_of_any_kind_are_read():
    """bytes, bytearray, memoryview, array, mmap-like."""
    import array
    octets = bytes(frames.ping(b"12345678"))
    for data in (octets, bytearray(octets), memoryview(octets), array.array("B", octets), memoryview(bytearray(octets))):
        [event] = fresh().receive_data(data)
        assert event.ping_data == b"12345678"


def test_a_buffer_with_gaps_is_refused():
    """Only contiguous octets can be read in place."""
    with pytest.raises((BufferError, ValueError, TypeError)):
        fresh().receive_data(memoryview(bytes(frames.ping(b"12345678")) * 2)[::2])


def test_a_bytearray_that_was_read_can_be_resized_at_once():
    """No export of the buffer is kept, not even for an unfinished frame."""
    connection = fresh()
    data = bytearray(frames.ping(b"12345678").cut(10))
    connection.receive_data(data)
    data.extend(b"more")
    data.clear()
    [event] = connection.receive_data(bytes(frames.ping(b"12345678"))[10:])
    assert event.ping_data == b"12345678"


def test_keywords_are_h2s():
    """Every argument may be named."""
    connection = fresh()
    connection.send_headers(stream_id=1, headers=RESPONSE, end_stream=False, priority_weight=None,
                            priority_depends_on=None, priority_exclusive=None)
    connection.send_data(stream_id=1, data=b"x", end_stream=False, pad_length=None)
    connection.acknowledge_received_data(acknowledged_size=0, stream_id=1)
    connection.increment_flow_control_window(increment=5, stream_id=1)
    connection.ping(opaque_data=b"12345678")
    connection.update_settings(new_settings={3: 5})
    connection.reset_stream(stream_id=1, error_code=8)
    connection.close_connection(error_code=0, additional_data=b"x", last_stream_id=1)
    assert isinstance(connection.data_to_send(amount=None), bytes)
    with pytest.raises(TypeError):
        connection.ping(nonsense=b"12345678")


def test_the_constructor_takes_a_configuration_or_nothing():
    """Anything else is refused at once."""
    from fasth2.connection import H2Connection
    for odd in ("text", 5, {}, object(), True):
        with pytest.raises(REFUSED):
            H2Connection(odd)
    assert H2Connection().config.client_side
