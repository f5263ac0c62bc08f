"""RFC 9113 section 8.2: HTTP fields."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import block, marked, request, request_fields
from tests.support.play import CUTS, accepted, connection_error, fields_of, play, stream_error, survived, whole

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
EVERY_OCTET = [bytes([n]) for n in range(256)]


def refused(field, cuts=(whole,)):
    """A request with this field is malformed, in both modes."""
    frame = marked(3, [*request_fields(), field])
    stream_error(frame, stream_id=3, code=PROTOCOL_ERROR, cuts=cuts)
    connection_error(frame, code=PROTOCOL_ERROR, rfc_errors=False, cuts=cuts)


def taken(field, cuts=(whole,)):
    """A request with this field arrives as it was sent, in both modes."""
    for rfc_errors in (False, True):
        outcome = accepted(request(1, field), rfc_errors=rfc_errors, cuts=cuts)
        assert fields_of(outcome.events[0])[-1] == field


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_every_octet_in_a_name_is_judged_by_the_table_of_8_2_1(place):
    """"A field name MUST NOT contain characters in the ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff" nor "a colon"
    after the first octet.
    """
    for octet in EVERY_OCTET:
        name = {"first": octet + b"name", "middle": b"na" + octet + b"me", "last": b"name" + octet}[place]
        code = octet[0]
        bad = code <= 0x20 or 0x41 <= code <= 0x5A or code >= 0x7F or octet == b":"
        if bad:
            refused((name, b"value"))
        else:
            taken((name, b"value"))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_every_octet_in_a_value_is_judged_by_the_table_of_8_2_1(place):
    """"A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed (ASCII LF, 0x0a), or carriage
    return (ASCII CR, 0x0d) at any position" and "MUST NOT start or end with an ASCII whitespace character".
    """
    for octet in EVERY_OCTET:
        value = {"first": octet + b"value", "middle": b"va" + octet + b"lue", "last": b"value" + octet}[place]
        bad = octet in (b"\0", b"\n", b"\r") or (octet in (b" ", b"\t") and place != "middle")
        if bad:
            refused((b"x-name", value))
        else:
            taken((b"x-name", value))


@pytest.mark.parametrize("field", [
    (b"Upper", b"x"), (b"a b", b"x"), (b"", b"x"), (b"x:y", b"x"), (b"x", b" x"), (b"x", b"x\t"), (b"x", b"\r\n"),
    (b"x", b" "), (b"", b""), (b"x\0", b""),
])
def test_bad_fields_are_refused_however_the_octets_are_cut(field):
    """The same outcome in one piece, octet by octet and in random cuts."""
    refused(field, CUTS)


@pytest.mark.parametrize("field", [(b"x", b""), (b"x-long", b"v" * 5000), (b"!#$%&'*+-.^_`|~9a", b"token"),
                                   (b"x", b"\x80\xff\x7f\x01")])
def test_good_fields_are_taken_however_the_octets_are_cut(field):
    """Empty values and obs-text are legal."""
    taken(field, CUTS)


@pytest.mark.parametrize("representation", [b"\x40", b"\x10", b"\x00"], ids=["indexing", "never", "without"])
def test_rules_hold_for_every_literal_representation(representation):
    """How a field is encoded doesn't matter to what it may be."""
    bad = block(request_fields()) + representation + b"\x05x-bad\x03a\nb"
    stream_error(frames.headers(3, bad, end_stream=True), stream_id=3, code=PROTOCOL_ERROR)


def test_rules_hold_for_fields_taken_from_the_table():
    """A bad field that was left in the dynamic table is bad again when it is referred to."""
    bad = block(request_fields()) + b"\x40\x05x-bad\x03a\nb"
    again = b"\x82\x87\x84\x01\x01a\xbe"
    good = b"\x82\x87\x84\x01\x01a"
    outcome = survived(*(frames.headers(n, octets, end_stream=True) for n, octets in ((3, bad), (5, again), (7, good))))
    assert [sent.stream_id for sent in outcome.wrote("RST_STREAM")] == [3, 5]
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [7]


@pytest.mark.parametrize("name", [b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"])
@pytest.mark.parametrize("value", [b"close", b"", b"chunked", b"h2c", b"trailers"])
def test_connection_specific_fields_are_malformed(name, value):
    """8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields ... Any
    message containing connection-specific header fields MUST be treated as malformed".
    """
    refused((name, value))


@pytest.mark.parametrize("value", [b"gzip", b"trailers, gzip", b"", b"trailer", b"trailers;q=1", b"chunked"])
def test_te_says_trailers_or_nothing(value):
    """8.2.2: "The only exception to this is the TE header field, which MAY be present in an HTTP/2 request; when it is,
    it MUST NOT contain any value other than "trailers"".
    """
    refused((b"te", value))


@pytest.mark.parametrize("value", [b"trailers", b"Trailers", b"TRAILERS"])
def test_te_trailers_is_taken(value):
    """In any case."""
    taken((b"te", value))


@both_modes
def test_cookie_crumbs_are_joined_once_in_order(rfc_errors):
    """8.2.3: "If there are multiple Cookie header fields after decompression, these MUST be concatenated into a single
    octet string using the two-octet delimiter of 0x3b, 0x20".
    """
    outcome = accepted(request(1, ("cookie", "a=b"), ("x", "1"), ("cookie", "c=d; e=f"), ("cookie", ""), ("cookie", "g")),
                       rfc_errors=rfc_errors)
    assert fields_of(outcome.events[0])[4:] == [(b"x", b"1"), (b"cookie", b"a=b; c=d; e=f; ; g")]
    assert not outcome.events[0].headers[-1].indexable


@both_modes
def test_one_cookie_field_is_kept_and_moved_to_the_end_as_h2_does(rfc_errors):
    """h2's normalisation: the cookie comes last, never indexed."""
    outcome = accepted(request(1, ("cookie", "a=b"), ("x", "1")), rfc_errors=rfc_errors)
    assert fields_of(outcome.events[0])[4:] == [(b"x", b"1"), (b"cookie", b"a=b")]
    assert not outcome.events[0].headers[-1].indexable


@both_modes
def test_without_normalisation_crumbs_stay_as_they_came(rfc_errors):
    """normalize_inbound_headers=False."""
    extra = [(b"cookie", b"a"), (b"x", b"1"), (b"cookie", b"b")]
    outcome = accepted(request(1, *extra), rfc_errors=rfc_errors, normalize_inbound_headers=False)
    assert fields_of(outcome.events[0])[4:] == extra


@both_modes
def test_without_validation_fields_come_as_they_are(rfc_errors):
    """validate_inbound_headers=False, for those who check themselves."""
    extra = [(b"Upper", b" padded "), (b"connection", b"close"), (b"te", b"x")]
    outcome = accepted(request(1, *extra), rfc_errors=rfc_errors, validate_inbound_headers=False)
    assert fields_of(outcome.events[0])[4:] == extra


@both_modes
def test_fields_are_text_under_a_header_encoding(rfc_errors):
    """header_encoding="utf-8"."""
    outcome = accepted(request(1, (b"x", "ä".encode())), rfc_errors=rfc_errors, header_encoding="utf-8")
    assert fields_of(outcome.events[0])[-1] == ("x", "ä")
    assert all(type(name) is str and type(value) is str for name, value in outcome.events[0].headers)


def test_octets_that_the_encoding_cannot_decode_make_a_request_malformed():
    """The connection lives on, and the table entry does no harm to requests that don't use it."""
    frame = marked(3, [*request_fields(), (b"x", b"\xff\xfe")])
    stream_error_in_text(frame)
    connection_error(frame, code=PROTOCOL_ERROR, rfc_errors=False, header_encoding="utf-8")


def stream_error_in_text(frame):
    """stream_error() compares octets; under an encoding only the reset and the next request are looked at."""
    outcome = play(frame, request(5), header_encoding="utf-8")
    assert outcome.error is None
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(3, PROTOCOL_ERROR)]
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [5]


@both_modes
def test_the_fallback_encoding_takes_what_utf_8_cannot(rfc_errors):
    """header_fallback_encoding="latin-1", as the gunicorn faces need it."""
    outcome = accepted(request(1, (b"x", b"\xff\xfe"), (b"y", "ä".encode())), rfc_errors=rfc_errors,
                       header_encoding="utf-8", header_fallback_encoding="latin-1")
    assert fields_of(outcome.events[0])[-2:] == [("x", "\xff\xfe"), ("y", "ä")]


@both_modes
@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8-sig"])
def test_other_encodings_work_too(encoding, rfc_errors):
    """Any encoding Python knows."""
    outcome = accepted(request(1, ("x", "abc!")), rfc_errors=rfc_errors, header_encoding=encoding)
    assert fields_of(outcome.events[0])[-1] == ("x", "abc!")


@both_modes
def test_a_request_that_another_encoding_cannot_decode_is_malformed(rfc_errors):
    """An error of the peer's, never a crash."""
    outcome = play(request(1, ("x", b"\x81")), rfc_errors=rfc_errors, header_encoding="cp1252")
    if rfc_errors:
        assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(1, PROTOCOL_ERROR)]
    else:
        assert int(outcome.error.error_code) == PROTOCOL_ERROR
    assert not outcome.of("RequestReceived")


@pytest.mark.parametrize("field", [
    ("x", "a\r\nb"), ("x", "a\nb"), ("x", "a\0b"), ("x\n", "a"), ("x y", "a"), ("", "a"), ("x:y", "a"),
    (b"x", b"a\r\nset-cookie: b"), ("te", "gzip"), ("\u00e9", "x"),
])
@both_modes
def test_what_would_be_refused_is_never_sent(field, rfc_errors):
    """docs/security.md, row 56: exception, nothing sent, encoder table unchanged."""
    def wrong(connection):
        with pytest.raises(ProtocolError):
            connection.send_headers(1, [(":status", "200"), ("x-before", "indexed"), field])
        assert connection.data_to_send() == b""

    def right(connection):
        connection.send_headers(1, [(":status", "200"), ("x-before", "indexed"), ("x-after", "1")])

    outcome = accepted(request(1), wrong, right, rfc_errors=rfc_errors)
    assert outcome.sent[-1].fields == ((b":status", b"200"), (b"x-before", b"indexed"), (b"x-after", b"1"))
    fresh = accepted(request(1), right, rfc_errors=rfc_errors)
    assert fresh.sent == outcome.sent
    assert fresh.reader.block_octets == outcome.reader.block_octets


@pytest.mark.parametrize("status", ["", "20", "2000", "abc", "-10", "2 0", "099"])
@both_modes
def test_a_status_that_is_none_is_never_sent(status, rfc_errors):
    """docs/security.md, row 56: a bad :status is refused."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    with pytest.raises(ProtocolError):
        outcome.connection.send_headers(1, [(":status", status)])
    assert outcome.connection.data_to_send() == b""


@both_modes
def test_connection_fields_are_left_out_of_what_is_sent(rfc_errors):
    """h2's normalisation strips them, lowers names and trims values."""
    def respond(connection):
        connection.send_headers(1, [(":status", "200"), ("Connection", "close"), ("X-Name", "  trimmed\t"),
                                    ("transfer-encoding", "chunked"), ("keep-alive", "5")], end_stream=True)

    outcome = accepted(request(1), respond, rfc_errors=rfc_errors)
    assert outcome.sent[-1].fields == ((b":status", b"200"), (b"x-name", b"trimmed"))


@both_modes
def test_sensitive_fields_are_sent_never_indexed(rfc_errors):
    """RFC 7541 section 7.1.3: authorization and short cookies stay out of the tables."""
    def respond(connection):
        connection.send_headers(1, [(":status", "200"), ("authorization", "secret"), ("cookie", "short"),
                                    ("proxy-authorization", "secret"), ("cookie", "x" * 20), ("x", "y")])

    outcome = accepted(request(1), respond, rfc_errors=rfc_errors)
    assert outcome.sent[-1].sensitive == (b"authorization", b"cookie", b"proxy-authorization")


@both_modes
def test_a_never_indexed_field_arrives_marked(rfc_errors):
    """RFC 7541 section 6.2.3: an intermediary must keep the representation."""
    never = block(request_fields()) + b"\x10\x08x-secret\x02no"
    outcome = accepted(frames.headers(1, never, end_stream=True), rfc_errors=rfc_errors)
    headers = outcome.events[0].headers
    assert [header.indexable for header in headers] == [True] * 4 + [False]
