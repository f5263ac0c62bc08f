"""The scope of a request, as the ASGI specification has it (HTTP scope, version 2.3 on)."""
import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


def scopes_of(*requests, given=None, **options):
    """The scopes of requests, which are answered."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)
        await start(send)
        await body(send)

    with serving(app, given=given, **options) as server:
        connection = Connection(server)
        connection.feed(*requests)
        assert len(connection.wrote("HEADERS")) == len(requests)
    return seen


def test_every_key():
    [scope] = scopes_of(request(1, ("accept", "*/*"), path="/a%20b?c=d&e", authority="example.com"))
    assert scope == {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "2", "method": "GET",
        "scheme": "https", "path": "/a b", "raw_path": b"/a%20b", "query_string": b"c=d&e", "root_path": "",
        "headers": [(b"host", b"example.com"), (b"accept", b"*/*")], "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000), "state": {"made": 1},
        "extensions": {
            "http.response.trailers": {}, "http.response.early_hint": {}, "http.response.informational": {},
            "http.response.pathsend": {}, "http.response.priority": {"urgency": 3, "incremental": False},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/", "/", b"/", b""),
        ("/%C3%A4", "/ä", b"/%C3%A4", b""),
        ("/%ff%zz", "/\ufffd%zz", b"/%ff%zz", b""),
        ("/a?b?c", "/a", b"/a", b"b?c"),
        ("/a?%41", "/a", b"/a", b"%41"),
        ("/?", "/", b"/", b""),
    ],
)
def test_paths_are_percent_decoded_as_utf_8(target, path, raw_path, query):
    [scope] = scopes_of(request(1, path=target))
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_options_may_have_an_asterisk():
    [scope] = scopes_of(request(1, method="OPTIONS", path="*"))
    assert (scope["path"], scope["raw_path"]) == ("*", b"*")


def test_root_path_precedes_both_paths():
    [scope] = scopes_of(request(1, path="/a%41?b"), given={"root_path": "/sub"})
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/sub", "/sub/aA", b"/sub/a%41")


def test_authority_replaces_host_and_is_first():
    [scope] = scopes_of(request(1, ("a", "b"), ("host", "example.com"), authority="example.com"))
    assert scope["headers"] == [(b"host", b"example.com"), (b"a", b"b")]


def test_host_is_kept_without_authority():
    [scope] = scopes_of(request(1, ("a", "b"), ("host", "example.com"), authority=None))
    assert scope["headers"] == [(b"a", b"b"), (b"host", b"example.com")]


def test_cookies_are_joined_where_the_first_was():
    [scope] = scopes_of(request(1, ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")))
    assert scope["headers"][1:] == [(b"cookie", b"a=1; b=2; c=3"), (b"x", b"y")]


def test_repeated_fields_stay_apart():
    [scope] = scopes_of(request(1, ("x", "1"), ("x", "2")))
    assert scope["headers"][1:] == [(b"x", b"1"), (b"x", b"2")]


def test_what_an_application_changes_is_not_seen_by_the_next_request():
    seen = []

    async def app(scope, receive, send):
        seen.append((dict(scope["asgi"]), dict(scope["extensions"]), dict(scope["state"]), list(scope["headers"])))
        for name in ("asgi", "extensions", "state"):
            scope[name]["changed"] = True
        scope["headers"].append((b"changed", b"1"))
        scope["path"] = "/changed"
        await start(send)
        await body(send)

    with serving(app) as server:
        Connection(server).feed(request(1), request(3))
        assert len(seen) == 2
        assert seen[0] == seen[1]
        assert server.service.state == {"made": 1}


def test_priority_of_the_client():
    [scope] = scopes_of(request(1, ("priority", "u=1, i")))
    assert scope["extensions"]["http.response.priority"] == {"urgency": 1, "incremental": True}


def test_connect_is_not_for_applications():
    async def app(scope, receive, send):
        raise AssertionError("called")

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, method="CONNECT", path=None, scheme=None, authority="example.com:443"))
        assert connection.status() == "501"


def test_a_header_list_over_the_limit_is_answered_with_431():
    async def app(scope, receive, send):
        raise AssertionError("called")

    from fasth2.limits import Limits

    with serving(app, limits=Limits(header_list_size=200)) as server:
        connection = Connection(server)
        connection.feed(request(1, ("x", "y" * 200)), request(3, ("x", "y" * 200), method="HEAD"))
        assert (connection.status(1), connection.body(1)) == ("431", b"Request Header Fields Too Large")
        assert (connection.status(3), connection.body(3)) == ("431", b"")
        assert server.total_requests == 2


def test_requests_by_hpack_index_share_their_fields():
    """Pairs are made once for each entry of the decoder's table."""
    import hpack

    encoder = hpack.Encoder()
    fields = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "example.com"), ("x-name", "value")]
    seen = scopes_of(*[frames.headers(n, encoder.encode(fields), end_stream=True) for n in (1, 3)])
    assert seen[0]["headers"] == seen[1]["headers"] == [(b"host", b"example.com"), (b"x-name", b"value")]
    assert seen[0]["headers"][1] is seen[1]["headers"][1]
    assert seen[0]["headers"][0] is seen[1]["headers"][0]
