"""RFC 9113 section 8.3: pseudo-header fields of requests."""
import pytest

from tests.support import frames
from tests.support.fields import MARK, block, marked, request, request_fields
from tests.support.play import accepted, connection_error, fields_of, stream_error

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def malformed(fields):
    """A request of these fields is malformed: a stream error under rfc_errors, the connection's end by default."""
    for end_stream in (True, False):
        frame = marked(3, fields, end_stream=end_stream)
        stream_error(frame, stream_id=3, code=PROTOCOL_ERROR)
        connection_error(request(1), frame, code=PROTOCOL_ERROR, last_stream_id=None, rfc_errors=False)


@pytest.mark.parametrize("name", [":method", ":scheme", ":authority", ":path"])
def test_a_repeated_pseudo_header_is_malformed(name):
    """"The same pseudo-header field name MUST NOT appear more than once in a field block"."""
    fields = request_fields()
    value = dict(fields)[name.encode()]
    malformed([*fields, (name, value)])
    malformed([*fields, (name, b"/other")])


@pytest.mark.parametrize("name", [":version", ":foo", ":", ":Method", "::path", ":path:", ":status "])
def test_an_unknown_pseudo_header_is_malformed(name):
    """"Endpoints MUST treat a request or response that contains undefined or invalid pseudo-header fields as
    malformed".
    """
    malformed([*request_fields(), (name, "x")])


@pytest.mark.parametrize("last", [b":method", b":scheme", b":authority", b":path"])
def test_a_pseudo_header_after_a_regular_field_is_malformed(last):
    """"All pseudo-header fields MUST appear in a field block before all regular field lines"."""
    fields = request_fields()
    late = [field for field in fields if field[0] == last]
    malformed([*(field for field in fields if field[0] != last), (b"x-regular", b"1"), *late])


@pytest.mark.parametrize("missing", ["method", "scheme", "path"])
def test_a_missing_mandatory_pseudo_header_is_malformed(missing):
    """8.3.1: "All HTTP/2 requests MUST include exactly one valid value for the ":method", ":scheme", and ":path"
    pseudo-header fields".
    """
    malformed(request_fields(**{missing: None}))


def test_a_request_without_any_pseudo_header_is_malformed():
    """Only regular fields are no request."""
    malformed([(b"host", b"example.com"), (b"accept", b"*/*")])


def test_the_order_of_pseudo_headers_is_free():
    """Only their place before the regular fields is fixed."""
    fields = request_fields(("x", "1"))
    for shift in range(4):
        turned = fields[shift:4] + fields[:shift] + fields[4:]
        outcome = accepted(frames.headers(1, block(turned), end_stream=True))
        assert fields_of(outcome.events[0]) == turned


def test_an_empty_path_is_malformed():
    """8.3.1: ":path" "MUST NOT be empty for "http" or "https" URIs"."""
    malformed(request_fields(path=""))


@pytest.mark.parametrize("path", ["*", "index.html", "http://example.com/", "?q", "\\", "//".replace("/", "."), "%2f"])
def test_a_path_that_does_not_start_with_a_slash_is_malformed(path):
    """8.3.1: absolute-path and query, or "*" for OPTIONS alone."""
    malformed(request_fields(path=path))


@both_modes
def test_options_takes_the_asterisk(rfc_errors):
    """8.3.1: "a value of '*'" for an OPTIONS request that doesn't name a path."""
    outcome = accepted(request(1, method="OPTIONS", path="*"), rfc_errors=rfc_errors)
    assert dict(fields_of(outcome.events[0]))[b":path"] == b"*"
    malformed(request_fields(method="OPTIONS", path="**"))
    malformed(request_fields(method="options", path="*"))


@both_modes
@pytest.mark.parametrize("path", ["/", "/a?b=c", "//double", "/%00", "/a;b,c", "/~!$&'()*+=:@", "/?", "/a/../b"])
def test_paths_are_given_as_they_came(path, rfc_errors):
    """The engine doesn't normalise."""
    outcome = accepted(request(1, path=path), rfc_errors=rfc_errors)
    assert dict(fields_of(outcome.events[0]))[b":path"] == path.encode()


@both_modes
@pytest.mark.parametrize("path", [b"/\xc3\xa4", b"/\xff\xfe", b"/?q=\xe2\x82\xac"])
def test_octets_above_0x7f_in_a_path_are_let_through(path, rfc_errors):
    """docs/security.md, row 46: real clients send them."""
    outcome = accepted(request(1, path=path), rfc_errors=rfc_errors)
    assert dict(fields_of(outcome.events[0]))[b":path"] == path


@pytest.mark.parametrize("octet", [*range(0x21), 0x7F, ord("#")])
def test_octets_that_would_break_a_request_line_are_malformed_in_a_path(octet):
    """docs/security.md, row 46: space, tab, controls and "#"."""
    for path in (b"/a" + bytes([octet]) + b"b", b"/" + bytes([octet])):
        stream_error(marked(3, request_fields(path=path)), stream_id=3, code=PROTOCOL_ERROR)
        connection_error(marked(3, request_fields(path=path)), code=PROTOCOL_ERROR, rfc_errors=False)


@pytest.mark.parametrize("value", ["", "GET /", "GE\tT", "GET\x01", "G(T", "G\x7fT", "G\u00e9T", "GET:", "GE/T"])
def test_a_method_that_is_no_token_is_malformed(value):
    """RFC 9110 section 9.1: method = token."""
    malformed(request_fields(method=value))


@both_modes
@pytest.mark.parametrize("value", ["GET", "get", "PURGE", "M-SEARCH", "!#$%&'*+-.^_`|~", "X" * 100])
def test_a_method_may_be_any_token(value, rfc_errors):
    """Methods are extensible and case-sensitive."""
    outcome = accepted(request(1, method=value), rfc_errors=rfc_errors)
    assert dict(fields_of(outcome.events[0]))[b":method"] == value.encode()


@pytest.mark.parametrize("value", ["", "ht tp", "https:", "http\x00", "1http", "http/x", "\u00e4"])
def test_a_scheme_that_is_none_is_malformed(value):
    """RFC 3986 section 3.1: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )."""
    malformed(request_fields(scheme=value))


@both_modes
@pytest.mark.parametrize("value", ["http", "https", "HTTPS", "coap+tcp", "x-1.0"])
def test_other_schemes_are_taken(value, rfc_errors):
    """8.3.1: "":scheme" is not restricted to "http" and "https" schemed URIs"."""
    accepted(request(1, scheme=value), rfc_errors=rfc_errors)


@both_modes
def test_authority_or_host_is_enough(rfc_errors):
    """8.3.1: a request translated from HTTP/1.1 may have only Host."""
    accepted(request(1), rfc_errors=rfc_errors)
    outcome = accepted(request(1, ("host", "example.com"), authority=None), rfc_errors=rfc_errors)
    assert (b"host", b"example.com") in fields_of(outcome.events[0])
    accepted(request(1, ("host", "example.com")), rfc_errors=rfc_errors)


def test_neither_authority_nor_host_is_malformed():
    """h2 demands one of them, and so does docs/security.md, row 50."""
    malformed(request_fields(authority=None))


@pytest.mark.parametrize("host", ["other.example", "", "example.com:443", "Example.com"])
def test_a_host_that_differs_from_authority_is_malformed(host):
    """8.3.1: "A server SHOULD treat a request as malformed if it contains a Host header field that identifies an
    entity that differs from the entity in the ":authority" pseudo-header field".
    """
    malformed(request_fields(("host", host)))


def test_two_hosts_are_malformed_even_if_they_agree():
    """RFC 9112 section 3.2 knows one Host; docs/security.md, row 50."""
    malformed(request_fields(("host", "example.com"), ("host", "example.com")))
    malformed(request_fields(("host", "a"), ("host", "b"), authority=None))


@pytest.mark.parametrize("authority", ["user@example.com", "user:secret@example.com", "@example.com"])
def test_userinfo_in_authority_is_malformed(authority):
    """8.3.1: "":authority" MUST NOT include the deprecated userinfo subcomponent"."""
    malformed(request_fields(authority=authority))
    malformed(request_fields(("host", authority), authority=None))


@both_modes
@pytest.mark.parametrize("authority", ["example.com", "example.com:8443", "[::1]:443", "127.0.0.1", "xn--4ca.example"])
def test_authorities_are_given_as_they_came(authority, rfc_errors):
    """Host and port, nothing normalised."""
    outcome = accepted(request(1, authority=authority), rfc_errors=rfc_errors)
    assert dict(fields_of(outcome.events[0]))[b":authority"] == authority.encode()


@pytest.mark.parametrize("field", [(":protocol", "websocket"), (":status", "200")])
def test_pseudo_headers_of_another_context_are_malformed(field):
    """"Pseudo-header fields are only valid in the context in which they are defined"."""
    malformed([*request_fields(), field])


def test_a_malformed_request_names_the_field_in_the_exception():
    """The message says what was wrong on which stream, and never shows a secret."""
    outcome = connection_error(marked(3, [*request_fields(), ("Bad-Name", "x")]), code=PROTOCOL_ERROR,
                               rfc_errors=False)
    assert "Bad-Name" in str(outcome.error)
    assert "3" in str(outcome.error)
    secret = block([*request_fields(), MARK]) + b"\x1f\x08\x0fhunter2\nhunter2"
    outcome = connection_error(frames.headers(5, secret, end_stream=True), code=PROTOCOL_ERROR, rfc_errors=False)
    assert "hunter2" not in str(outcome.error)
