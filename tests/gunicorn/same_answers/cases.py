"""The requests that are sent to both."""
from __future__ import annotations

from dataclasses import dataclass, field

from tests.gunicorn.same_answers import application


@dataclass
class Case:
    """One request."""

    #: What it shows; no two have the same.
    name: str

    #: Header fields, pseudo-header fields among them, as they are sent.
    headers: list[tuple[str | bytes, str | bytes]]

    #: The body's DATA frames, each its payload and padding; ``None`` for END_STREAM on HEADERS.
    body: list[tuple[bytes, int]] | None = None

    trailers: list[tuple[str, str]] | None = None

    #: Weight, stream that it depends on, whether exclusively; in HEADERS.
    priority: tuple[int, int, bool] | None = None

    #: Whether the body waits for 100 (Continue), or what else comes first.
    waits: bool = False

    #: Whether it has a connection of its own: what may end it.
    alone: bool = False

    #: The address that it is sent from; 127.0.0.1 is trusted.
    source: str = "127.0.0.1"

    #: What it is about.
    tags: set[str] = field(default_factory=set)


CASES: list[Case] = []


def add(name, *fields, method="GET", path="/", respond="", read="", pseudo=None, body=None, trailing=(), tags="", **more):
    """Add a case. `body` is one ``bytes`` or a list of ``bytes`` and pairs of ``bytes`` and padding."""
    if pseudo is None:
        pseudo = [(":method", method), (":scheme", "https"), (":authority", "example.com:8443"), (":path", path)]
    name = name.encode("ascii", "backslashreplace").decode()
    headers = [*pseudo, *fields, ("x-case", name)]
    if respond:
        headers.append(("x-respond", respond))
    if read:
        headers.append(("x-read", read))
    if isinstance(body, bytes):
        body = [body]
    frames = None if body is None else [each if isinstance(each, tuple) else (each, 0) for each in body]
    assert all(case.name != name for case in CASES), name
    CASES.append(Case(name, [*headers, *trailing], frames, tags=set(tags.split()), **more))


for _method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "M-SEARCH", "FOO"):
    add(f"method {_method}", method=_method)
    add(f"method {_method} with a body", method=_method, body=b"a body")

for _path in (
    "/plain", "/a%20b", "/%C3%A9", "/%E9", "/a//b", "//a", "/a/../b", "/./a", "/a/", "/;p=1", "/a%2Fb", "/%00", "/a%",
    "/?", "/?a=b", "/x?a=b&c=d%26e", "/x?a?b", "/x?%C3%A9", "/x?a=+b", "/x??", "/" + "p" * 4000, "/x?" + "q" * 4000,
    "/caf\xe9", "/x?caf\xe9", "/:80/", "/@", "/a|b", "/[x]", "/\"x\"", "/a\\b", "/{x}", "/a%0d%0ab",
):
    add(f"path {_path[:20]}{len(_path)}", path=_path)
add("path * of OPTIONS", method="OPTIONS", path="*")
add("path that is absolute", path="https://example.com/a", tags="malformed", alone=True)

for _name, _value in (
    ("x-one", "1"), ("x-spaces-within", "a  b"), ("x-tab", "a\tb"), ("x-quotes", '"a, b"'),
    ("x-long", "v" * 8000), ("x-utf-8", "\u20ac"), ("x-latin", "caf\xe9"), ("user-agent", "Mozilla/5.0 (X11) \"quoted\""),
    ("referer", "https://example.com/from?x=y"), ("accept", "text/html,*/*;q=0.8"), ("accept-encoding", "gzip, br"),
    ("accept-language", "en, de;q=0.5"), ("authorization", "Basic dXNlcjpwYXNz"), ("authorization", "Bearer x"),
    ("content-type", "application/json"), ("te", "trailers"), ("range", "bytes=0-1"),
    ("if-none-match", '"a", W/"b"'), ("cache-control", "no-cache"), ("priority", "u=1, i"), ("origin", "null"),
    ("x_underscore", "dropped"), ("x.dot", "1"), ("x!#$%&'*+-^`|~", "token"), ("1-digit", "1"), ("proxy", "http://evil"),
    ("sec-fetch-mode", "navigate"), ("expect", "something"), ("content-encoding", "gzip"), ("date", "now"),
    ("via", "1.1 proxy"), ("max-forwards", "3"), ("http2-settings", "AAMAAABk"), ("x-http-method-override", "PUT"),
):
    add(f"field {_name}: {_value[:20]}", (_name, _value))
add("an empty value", ("x-empty", ""))
add("fields of one name", ("x-many", "1"), ("x-many", "2"), ("x-many", "3"))
add("fields of one name, apart", ("x-many", "1"), ("x-other", "o"), ("x-many", "2"))
add("two content-types", ("content-type", "a/b"), ("content-type", "c/d"), tags="refused", alone=True)
add("ninety fields", *((f"x-field-{n}", str(n)) for n in range(90)))
add("too many fields", *((f"x-field-{n}", str(n)) for n in range(120)), tags="refused", alone=True)
add("a field that is too long", ("x-long", "v" * 9000), tags="refused", alone=True)
add("a value with a control", ("x-control", "a\x01b"), tags="refused", alone=True)
add("a value with DEL", ("x-control", "a\x7fb"), tags="refused", alone=True)
add("a value that is not UTF-8", ("x-octets", b"caf\xe9"), tags="octets", alone=True)
add("a value that no text has", ("x-octets", b"\xff\xfe"), tags="octets", alone=True)

add("cookie, whole", ("cookie", "a=1; b=2; c=3"))
add("cookie, split in two", ("cookie", "a=1"), ("cookie", "b=2"))
add("cookie, split in ten", *(("cookie", f"c{n}={n}") for n in range(10)))
add("cookie, split with others between", ("cookie", "a=1"), ("x-between", "1"), ("cookie", "b=2"))
add("cookie, empty", ("cookie", ""))
add("cookie, one empty", ("cookie", "a=1"), ("cookie", ""), alone=True, tags="empty-crumb")
add("cookie, with a semicolon at the end", ("cookie", "a=1;"), ("cookie", "b=2"))
add("cookie, with a space before", ("cookie", "a=1"), ("cookie", " b=2"), alone=True, tags="malformed")
add("cookie, long", ("cookie", "a=" + "b" * 4000))


def pseudo(method="GET", scheme="https", authority="example.com", path="/"):
    """Pseudo-header fields; ``None`` leaves one out."""
    values = ((":method", method), (":scheme", scheme), (":authority", authority), (":path", path))
    return [(name, value) for name, value in values if value is not None]


add("authority and host, the same", ("host", "example.com"), pseudo=pseudo())
add("authority and another host", ("host", "other.example"), pseudo=pseudo(), alone=True, tags="malformed")
add("host alone", ("host", "example.com:80"), pseudo=pseudo(authority=None))
add("neither authority nor host", pseudo=pseudo(authority=None), alone=True, tags="malformed")
add("two hosts", ("host", "a.example"), ("host", "b.example"), pseudo=pseudo(authority=None), alone=True,
    tags="malformed")
for _authority in ("EXAMPLE.com", "example.com:443", "[::1]:8443", "127.0.0.1", "example.com.", "xn--bcher-kva.example"):
    add(f"authority {_authority}", pseudo=pseudo(authority=_authority))
add("authority that is empty", pseudo=pseudo(authority=""), alone=True, tags="malformed")
add("authority with a user", pseudo=pseudo(authority="user@example.com"), alone=True, tags="malformed userinfo")
add("scheme http over TLS", pseudo=pseudo(scheme="http"))
add("scheme in capitals", pseudo=pseudo(scheme="HTTPS"), alone=True)
add("scheme ftp", pseudo=pseudo(scheme="ftp"), alone=True)
add("pseudo-header fields in another order", pseudo=list(reversed(pseudo())))

for _source, _who in (("127.0.0.1", "trusted"), ("127.0.0.2", "untrusted")):
    for _fields in (
        [("x-forwarded-for", "10.1.2.3")], [("x-forwarded-for", "10.1.2.3, 10.4.5.6")],
        [("x-forwarded-proto", "http")], [("x-forwarded-proto", "https")], [("x-forwarded-proto", "ftp")],
        [("x-forwarded-protocol", "ssl")], [("x-forwarded-ssl", "on")], [("x-forwarded-ssl", "off")],
        [("x-forwarded-host", "other.example")], [("x-forwarded-port", "80")], [("x-forwarded-prefix", "/app")],
        [("forwarded", "for=10.1.2.3;proto=http")], [("x-real-ip", "10.1.2.3")], [("x-forwarded-client-cert", "x")],
        [("front-end-https", "on")], [("script-name", "/app")], [("path-info", "/other")],
        [("script_name", "/app")], [("path_info", "/other")], [("remote_user", "root")], [("remote-user", "root")],
        [("x-forwarded_for", "10.1.2.3")],
    ):
        add(f"{_fields[0][0]} {_fields[0][1]} from a peer that is {_who}", *_fields, source=_source, path="/app/x")
    for _fields in ([("x-forwarded-proto", "http"), ("x-forwarded-ssl", "on")],
                    [("x-forwarded-proto", "https"), ("x-forwarded-protocol", "http")]):
        add(f"{_fields[0][0]} against {_fields[1][0]} from a peer that is {_who}", *_fields, source=_source,
            tags="refused", alone=True)

LINES = b"first line\nsecond, longer line\n\nlast without an end"
for _read in ("", "none", "some", "pieces", "line", "short-lines", "lines", "iterate", "twice"):
    add(f"body read: {_read or 'whole'}", method="POST", body=LINES, read=_read)
    add(f"body in frames read: {_read or 'whole'}", method="POST", body=[LINES[:5], LINES[5:13], LINES[13:]], read=_read)
    add(f"no body read: {_read or 'whole'}", read=_read)
for _size in (0, 1, 2, 1024, 16383, 16384, 20000, 30000):
    _body = bytes(range(256)) * 120
    _frames = [_body[at:at + 16384] for at in range(0, _size, 16384)]
    _frames = [part[:_size - 16384 * at] for at, part in enumerate(_frames)] or [b""]
    add(f"body of {_size}", method="POST", body=_frames)
    add(f"body of {_size} with its length", ("content-length", str(_size)), method="PUT", body=_frames)
add("body of 200000", method="POST", body=[bytes(10000)] * 20, alone=True)
add("body with a type", ("content-type", "application/x-www-form-urlencoded"), method="POST", body=b"a=b&c=d")
add("body with padding", method="POST", body=[(b"padded", 10), (b"more", 255)], tags="padding")
add("body that ends with an empty frame", method="POST", body=[b"body", b""])
add("body with empty frames within", method="POST", body=[b"", b"bo", b"", b"dy"])
add("body in frames of one octet", method="POST", body=[b"o"] * 50)
add("content-length 0 without a body", ("content-length", "0"), method="POST")
add("content-length too short", ("content-length", "3"), method="POST", body=b"longer", alone=True, tags="malformed")
add("content-length too long", ("content-length", "30"), method="POST", body=b"short", alone=True, tags="malformed")
add("content-length without a body", ("content-length", "5"), method="POST", alone=True, tags="malformed no-content")
add("content-length that is no number", ("content-length", "x"), method="POST", body=b"x", alone=True, tags="malformed")
add("content-length with a sign", ("content-length", "+1"), method="POST", body=b"x", alone=True, tags="malformed")
add("two content-lengths", ("content-length", "1"), ("content-length", "2"), method="POST", body=b"x", alone=True,
    tags="malformed")
add("content-length twice", ("content-length", "1"), ("content-length", "1"), method="POST", body=b"x", alone=True,
    tags="malformed")
add("transfer-encoding", ("transfer-encoding", "chunked"), method="POST", body=b"x", alone=True, tags="malformed")

add("request trailers", method="POST", body=b"body", trailers=[("x-sum", "abc")], alone=True, tags="trailers")
add("request trailers announced", ("trailer", "x-sum"), method="POST", body=[b"bo", b"dy"], trailers=[("x-sum", "abc")],
    alone=True, tags="trailers")
add("request trailers without a body", method="POST", body=[], trailers=[("x-sum", "abc")], alone=True, tags="trailers")
add("request trailers with a pseudo-header field", method="POST", body=b"body", trailers=[(":path", "/x")], alone=True,
    tags="malformed trailers")

for _kind in application.PLAIN:
    # What a client takes for an error of the connection, and what may have to wait for window.
    _alone = _kind in ("304-with-a-length", "204-with-a-length", "too-long", "16383", "16384", "16385",
                       "many-parts")
    _tags = "empty" if _kind[:3] in ("204", "304", "no-", "len", "onl", "emp") or "parts" in _kind else ""
    add(f"answer {_kind or 'plain'}", respond=_kind, tags=_tags, alone=_alone)
    add(f"answer {_kind or 'plain'} to HEAD", method="HEAD", respond=_kind, tags="empty", alone=_alone)
    if _kind in ("", "parts", "204", "304", "404", "16385"):
        add(f"answer {_kind or 'plain'} to POST", method="POST", body=b"a body", respond=_kind, tags=_tags,
            alone=_alone)
        add(f"answer {_kind or 'plain'} to POST, body not read", method="POST", body=b"a body", respond=_kind, read="none",
            tags=_tags, alone=_alone)
for _kind in application.SIZES:
    add(f"answer of {_kind}", respond=_kind, alone=True)
    add(f"answer of {_kind} to HEAD", method="HEAD", respond=_kind, tags="empty")
for _kind in (*application.HINTS, "trailers", "write", "file", "raise", "raise-late", "raise-after-start", "exc-info",
              "start-twice", "bad-field", "bad-name", "no-start", "text"):
    _tags = {"hint": "hints", "hints": "hints", "hint-and-204": "hints empty"}.get(_kind, "")
    add(f"application: {_kind}", respond=_kind, alone=True, tags=_tags)
    add(f"application: {_kind} to HEAD", method="HEAD", respond=_kind, alone=True, tags=_tags + " empty")
    add(f"application: {_kind} to POST", method="POST", body=b"a body", respond=_kind, alone=True, tags=_tags)

add("100-continue", ("expect", "100-continue"), method="POST", body=b"a body", waits=True, alone=True, tags="continue")
add("100-continue that does not wait", ("expect", "100-continue"), method="POST", body=b"a body", alone=True,
    tags="continue")
add("100-continue, body not read", ("expect", "100-continue"), method="POST", body=b"a body", read="none", alone=True,
    tags="continue")
add("100-continue in capitals", ("expect", "100-Continue"), method="POST", body=b"a body", alone=True, tags="continue")

for _priority in ((16, 0, False), (256, 0, True), (1, 0, False)):
    add(f"priority {_priority}", priority=_priority, tags="priority")
    add(f"priority {_priority} with a body", priority=_priority, method="POST", body=b"a body", tags="priority")

_PLAIN = pseudo()
for _name, _pseudo, _fields in (
    ("no :method", pseudo(method=None), []), ("no :scheme", pseudo(scheme=None), []), ("no :path", pseudo(path=None), []),
    ("empty :path", pseudo(path=""), []), ("empty :method", pseudo(method=""), []),
    (":path without a slash", pseudo(path="x"), []), (":path with a space", pseudo(path="/a b"), []),
    (":path with a fragment", pseudo(path="/a#b"), []), (":path with a control", pseudo(path="/a\x01b"), []),
    (":method with a space", pseudo(method="GE T"), []), (":method in small letters", pseudo(method="get"), []),
    ("two :methods", [*_PLAIN, (":method", "GET")], []), ("two :paths", [*_PLAIN, (":path", "/b")], []),
    (":status", [*_PLAIN, (":status", "200")], []), ("an unknown pseudo-header field", [*_PLAIN, (":x", "y")], []),
    ("a pseudo-header field at the end", _PLAIN[:3], [("x-a", "b"), _PLAIN[3]]),
    ("a name in capitals", _PLAIN, [("X-Capital", "1")]), ("a name with a space", _PLAIN, [("x y", "1")]),
    ("an empty name", _PLAIN, [("", "1")]), ("a name with a colon", _PLAIN, [("a:b", "1")]),
    ("connection", _PLAIN, [("connection", "close")]), ("keep-alive", _PLAIN, [("keep-alive", "1")]),
    ("proxy-connection", _PLAIN, [("proxy-connection", "close")]), ("upgrade", _PLAIN, [("upgrade", "h2c")]),
    ("te: gzip", _PLAIN, [("te", "gzip")]), ("a value with CR", _PLAIN, [("x-a", "b\rc")]),
    ("a value with LF", _PLAIN, [("x-a", "b\nc")]), ("a value with NUL", _PLAIN, [("x-a", "b\0c")]),
    ("a value with a space before", _PLAIN, [("x-a", " b")]), ("a value with a space after", _PLAIN, [("x-a", "b ")]),
    ("CONNECT", [(":method", "CONNECT"), (":authority", "example.com:443")], []),
    ("CONNECT with :path", pseudo(method="CONNECT"), []),
    (":protocol", [*pseudo(method="CONNECT"), (":protocol", "websocket")], []),
):
    add(f"malformed: {_name}", *_fields, pseudo=_pseudo, alone=True, tags="malformed")
add("header list over 65536 once decoded", *((f"x-{n}", "a" * 1000) for n in range(80)), alone=True,
    tags="malformed list-size")
add("header list over 65536", *((f"x-{n}", "v" * 1000) for n in range(80)), alone=True, tags="malformed list-size")
