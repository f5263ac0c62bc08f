"""RFC 9113 section 4.3: field section compression and decompression."""
import hpack
import pytest

from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import MARK, block, request, request_fields
from tests.support.play import LATER, accepted, answer, connection_error, fields_of, stream_error, survived

PROTOCOL_ERROR = 0x1
COMPRESSION_ERROR = 0x9

GOOD = block(request_fields())

BROKEN_BLOCKS = {
    "index 0": b"\x80",
    "index past both tables": b"\xff\x00",
    "index far past both tables": b"\xff\xff\xff\xff\x0f",
    "name index past both tables": b"\x7f\x7f\x01a",
    "integer that never ends": b"\xff" + b"\xff" * 12,
    "integer of zero continuation octets": b"\xff" + b"\x80" * 12 + b"\x00",
    "integer cut by the end of the block": b"\xff\x80",
    "string longer than the block": b"\x40\x0aname",
    "value missing": b"\x40\x01a",
    "length of 2**32 - 1": b"\x00\x7f\x80\xff\xff\xff\x0f",
    "Huffman EOS": b"\x00\x84\xff\xff\xff\xff\x00",
    "Huffman padding over 7 bits": b"\x00\x01a\x82\x1f\xff",
    "Huffman padding of zeros": b"\x00\x01a\x81\x18",
    "size update over the setting": b"\x3f\xe2\x1f",
    "size update after a field": b"\x82\x20",
}


@pytest.mark.parametrize("fault", sorted(BROKEN_BLOCKS))
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_block_that_does_not_decompress_ends_the_connection(fault, rfc_errors):
    """"A receiver MUST terminate the connection with a connection error ... of type COMPRESSION_ERROR if it does
    not decompress a field block".
    """
    broken = BROKEN_BLOCKS[fault]
    if fault != "size update over the setting":
        broken = GOOD + broken
    connection_error(request(1), frames.headers(3, broken, end_stream=True), code=COMPRESSION_ERROR,
                     last_stream_id=None, rfc_errors=rfc_errors)


def test_a_broken_block_split_over_continuation_ends_the_connection():
    """The fault is seen when the block is whole, wherever the frames cut it."""
    broken = GOOD + b"\xff\xff\xff\xff\xff\xff\x0f"
    for cut in range(1, len(broken)):
        connection_error(frames.headers(1, broken[:cut], end_headers=False), frames.continuation(1, broken[cut:]),
                         code=COMPRESSION_ERROR)


@pytest.mark.parametrize("cut", [0, 1, 2, 3, len(GOOD) // 2, len(GOOD) - 1, len(GOOD)])
def test_a_block_may_be_cut_anywhere_between_frames(cut):
    """"field blocks are ... a contiguous sequence of frames"; the pieces are joined before decoding."""
    outcome = accepted(frames.headers(1, GOOD[:cut], end_stream=True, end_headers=False),
                       frames.continuation(1, GOOD[cut:]))
    assert outcome.kinds == ["RequestReceived", "StreamEnded"]
    assert fields_of(outcome.of("RequestReceived")[0]) == request_fields()


def test_a_block_may_come_in_many_pieces_of_one_octet():
    """Any number of CONTINUATION frames below the limit may carry the block."""
    pieces = [frames.continuation(1, GOOD[n:n + 1], end_headers=False) for n in range(1, len(GOOD) - 1)]
    last = frames.continuation(1, GOOD[-1:])
    outcome = accepted(frames.headers(1, GOOD[:1], end_headers=False), *pieces, last)
    assert fields_of(outcome.of("RequestReceived")[0]) == request_fields()


@pytest.mark.parametrize("intruder", [
    frames.ping(), frames.settings(), frames.settings_ack(), frames.data(1, b"x"), frames.headers(1, GOOD),
    frames.headers(3, GOOD), frames.priority(1), frames.rst_stream(1), frames.window_update(0, 1), frames.goaway(),
    frames.continuation(3, GOOD), frames.unknown(), frames.unknown(stream_id=1), frames.altsvc(0),
    frames.priority_update(1), frames.push_promise(1, 2, GOOD),
], ids=repr)
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_nothing_may_come_between_the_frames_of_a_block(intruder, rfc_errors):
    """"Each field block MUST be transmitted as a contiguous sequence of frames, with no interleaved frames of any
    other type or from any other stream".
    """
    connection_error(request(1, end_stream=False), frames.headers(1, GOOD[:2], end_headers=False), intruder,
                     code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_reduced_table_must_be_announced_in_the_next_block(rfc_errors):
    """RFC 7541 section 4.2: a reduction that was acknowledged must be followed by a size update at the beginning
    of the next block; its absence is a decoding error.
    """
    def shrink(connection):
        connection.update_settings({SettingCodes.HEADER_TABLE_SIZE: 100})

    start = (frames.settings_ack(), shrink, frames.settings_ack())
    connection_error(*start, request(1), code=COMPRESSION_ERROR, rfc_errors=rfc_errors)
    announced = b"\x3f\x45" + GOOD
    outcome = accepted(*start, frames.headers(1, announced, end_stream=True), rfc_errors=rfc_errors)
    assert fields_of(outcome.of("RequestReceived")[0]) == request_fields()


def test_a_reduced_table_evicts_what_no_longer_fits():
    """Entries beyond the new size are gone: the old index is past the table."""
    def shrink(connection):
        connection.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})

    filled = request(1, ("x-first", "one"))
    connection_error(frames.settings_ack(), filled, shrink, frames.settings_ack(),
                     frames.headers(3, b"\x20" + b"\x82\x86\x84\x41\x01a\xbe", end_stream=True),
                     code=COMPRESSION_ERROR)


def test_the_peer_may_use_a_larger_table_once_it_acknowledged_it():
    """SETTINGS_HEADER_TABLE_SIZE allows the peer's encoder up to the new size."""
    def grow(connection):
        connection.update_settings({SettingCodes.HEADER_TABLE_SIZE: 8192})

    update = b"\x3f\xe1\x3f"
    outcome = accepted(frames.settings_ack(), grow, frames.settings_ack(),
                       frames.headers(1, update + GOOD, end_stream=True))
    assert fields_of(outcome.of("RequestReceived")[0]) == request_fields()
    connection_error(frames.settings_ack(), grow, frames.headers(1, update + GOOD, end_stream=True),
                     code=COMPRESSION_ERROR)


def test_blocks_are_decoded_in_order_with_one_table():
    """"Field compression is stateful": each block may refer to what earlier blocks left."""
    encoder = hpack.Encoder()
    lists = [request_fields(("x-step", str(n % 7)), ("x-same", "always")) for n in range(40)]
    outcome = accepted(*(frames.headers(2 * n + 1, encoder.encode(fields), end_stream=True)
                         for n, fields in enumerate(lists)))
    assert [fields_of(event) for event in outcome.of("RequestReceived")] == lists


@pytest.mark.parametrize("steps", [
    [frames.headers(5, block([(":method", "GET"), MARK]))],
    [frames.headers(5, block([*request_fields(), MARK, ("connection", "close")]))],
    [request(5, end_stream=False), frames.headers(5, block([MARK]))],
], ids=["no path", "connection field", "trailers without END_STREAM"])
def test_blocks_of_refused_requests_still_change_the_table(steps):
    """The compression context is the connection's: a refused block "MUST" be decoded like any other."""
    outcome = stream_error(*steps, stream_id=5, code=PROTOCOL_ERROR)
    assert MARK in fields_of(outcome.of("RequestReceived", LATER)[0])


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_blocks_on_streams_this_side_has_reset_still_change_the_table(rfc_errors):
    """Frames in flight on a reset stream are discarded, but their blocks are decoded."""
    encoder = hpack.Encoder()
    first = frames.headers(1, encoder.encode(request_fields()))
    trailers = frames.headers(1, encoder.encode([MARK]), end_stream=True)
    second = frames.headers(3, encoder.encode(request_fields(MARK)), end_stream=True)
    outcome = survived(first, lambda connection: connection.reset_stream(1), trailers, second, answer(3),
                       rfc_errors=rfc_errors)
    assert fields_of(outcome.of("RequestReceived", 3)[0]) == request_fields(MARK)


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_the_answer_respects_the_table_size_the_peer_asked_for(size):
    """RFC 7541 section 4.2: after the peer lowers its SETTINGS_HEADER_TABLE_SIZE the encoder announces it and keeps
    to it.
    """
    outcome = accepted(request(1), request(LATER))
    outcome.reader.decoder.max_allowed_table_size = size
    outcome.feed(frames.settings((frames.HEADER_TABLE_SIZE, size)), answer(1), answer(LATER))
    assert outcome.reader.decoder.header_table_size <= size
    assert [sent.fields[0] for sent in outcome.wrote("HEADERS")] == [(b":status", b"200")] * 2


@pytest.mark.parametrize("sizes", [(0, 4096), (4096, 0, 4096), (2**32 - 1,), (100, 2**32 - 1), (64, 32, 128)])
def test_the_answer_stays_decodable_through_any_sequence_of_table_sizes(sizes):
    """RFC 7541 section 4.2: the smallest size in between is announced too."""
    outcome = accepted(*(request(n) for n in range(1, 20, 2)), answer(1))
    outcome.reader.decoder.max_allowed_table_size = max(sizes)
    outcome.feed(*(frames.settings((frames.HEADER_TABLE_SIZE, size)) for size in sizes))
    outcome.feed(*(answer(n) for n in range(3, 20, 2)))
    assert [sent.stream_id for sent in outcome.wrote("HEADERS")] == list(range(1, 20, 2))


def test_a_response_larger_than_a_frame_is_continued():
    """A block over the peer's frame size goes on in CONTINUATION, nothing in between."""
    fields = [(b":status", b"200"), *((b"x-%d" % n, bytes(range(65, 91)) * 20) for n in range(60))]

    def respond(connection):
        connection.send_headers(1, fields, end_stream=True)

    outcome = accepted(request(1), frames.ping(), respond, frames.ping())
    [head] = outcome.wrote("HEADERS", 1)
    assert head.fields == tuple(fields)
    assert outcome.reader.block_octets > 16384
