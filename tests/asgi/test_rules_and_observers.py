"""What a host may add: rules for fields, a fallback for requests that they decline, an observer, a number of requests."""
import asyncio

import pytest

from fasth2.asgi.extensions import http_extensions
from fasth2.asgi.field_rules import DECLINE, PLAIN, SCHEME, SINGLETON, FieldRules
from fasth2.asgi.scope import ScopeMaker
from tests.support.fields import request

from .without_sockets import Connection, serving

KINDS = {b"content-type": SINGLETON, b"host": SINGLETON, b"x-scheme": SCHEME, b"x_bad": DECLINE}


class Scopes:
    """An application that keeps its scopes, and a fallback that keeps what was declined."""

    def __init__(self, server, refuses=True, prepends=True, **rules):
        self.scopes, self.declined, self.asked = [], [], []
        self.refuses = refuses
        self.maker = ScopeMaker(server.service.scope, None, None, "http", http_extensions(), FieldRules(
            self.rule_of, {b"x-scheme": b"tls"}, **rules), prepends)

    def rule_of(self, name):
        self.asked.append(name)
        return KINDS.get(name, PLAIN)

    def fallback(self, pairs):
        self.declined.append(dict(pairs))
        if self.refuses:
            return 400, b"refused"
        return self.maker.scope(b"PATCH", b"/made?x", [(b"a", b"b")], "https")


@pytest.fixture
def opened():
    """Open a connection with rules; the application answers with its scope's scheme."""
    async def app(scope, receive, send):
        kept.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["scheme"].encode()})

    with serving(app) as server:
        def open_it(**options):
            nonlocal kept
            kept = Scopes(server, **options)
            return Connection(server, maker=kept.maker, fallback=kept.fallback), kept

        kept = None
        yield open_it


def test_fields_without_a_rule_of_their_own_are_taken_and_asked_for_once(opened):
    connection, kept = opened()
    for stream_id in (1, 3):
        connection.feed(request(stream_id, ("a", "1"), ("a", "2"), ("content-type", "t"), path="/p?q"))
    assert [header for header in kept.scopes[1]["headers"] if header[0] != b"host"] == [
        (b"a", b"1"), (b"a", b"2"), (b"content-type", b"t")]
    assert sorted(kept.asked) == [b"a", b"content-type"]
    assert kept.declined == []


@pytest.mark.parametrize("fields", [
    [("content-type", "a"), ("content-type", "b")], [("x_bad", "1")], [("x-scheme", "tls"), ("x-scheme", "none")],
    [("a", "\x01")],
], ids=str)
def test_what_the_rules_decline_is_refused_by_the_fallback(opened, fields):
    connection, kept = opened()
    connection.feed(request(1, *fields))
    assert (connection.status(), connection.body()) == ("400", b"refused")
    assert kept.declined[0][b":path"] == b"/"
    assert kept.scopes == []


@pytest.mark.parametrize("limits, fields, path", [
    ({"line_size": 5}, [], "/12345"), ({"count": 2}, [("a", "1"), ("b", "1"), ("c", "1")], "/"),
    ({"field_size": 10}, [("a", "12345678")], "/"),
    ({"field_size": 20}, [("cookie", "12345"), ("cookie", "12345"), ("cookie", "")], "/"),
], ids=str)
def test_limits(opened, limits, fields, path):
    connection, _ = opened(**limits)
    connection.feed(request(1, *fields, path=path))
    assert connection.status() == "400"
    # One octet, or one field, less.
    within = [(name, value[:-1]) for name, value in fields] if "field_size" in limits else fields[:-1]
    connection.feed(request(3, *within, path=path[:-1] or "/"))
    assert connection.status(3) == "200"


@pytest.mark.parametrize("trusted, fields, scheme", [
    (False, [], b"http"), (True, [], b"https"), (True, [("x-scheme", "tls")], b"https"), (True, [("x-scheme", "no")], b"http"),
], ids=str)
def test_schemes(opened, trusted, fields, scheme):
    connection, _ = opened(trusted=trusted)
    connection.feed(request(1, *fields, scheme="https"))
    assert connection.body() == scheme


def test_a_fallback_may_make_the_scope(opened):
    connection, kept = opened(refuses=False)
    connection.feed(request(1, ("x_bad", "1")))
    assert connection.status() == "200"
    [scope] = kept.scopes
    assert (scope["method"], scope["path"], scope["query_string"], scope["scheme"]) == ("PATCH", "/made", b"x", "https")
    assert scope["headers"] == [(b"a", b"b")]
    assert scope["extensions"]["http.response.priority"] == {"urgency": 3, "incremental": False}


def test_paths_without_the_root_path():
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    with serving(app, given={"root_path": "/root"}) as server:
        for prepends in (True, False):
            Connection(server, maker=Scopes(server, prepends=prepends).maker).feed(request(1, path="/a"))
    assert [(scope["root_path"], scope["path"], scope["raw_path"]) for scope in scopes] == [
        ("/root", "/root/a", b"/root/a"), ("/root", "/a", b"/a")]


class Observer:
    def __init__(self):
        self.seen = []

    def begin(self, exchange):
        exchange.context = "begun"
        if exchange.scope["path"] == "/refused":
            raise ValueError("by the observer")
        self.seen.append(("begin", exchange.stream_id))

    def end(self, exchange):
        self.seen.append(("end", exchange.stream_id, exchange.status, exchange.sent, exchange.context, exchange.fields))


def test_an_observer_and_the_number_of_requests():
    reached = []

    async def app(scope, receive, send):
        if scope["path"] == "/leaves":
            await asyncio.sleep(100)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"hello"})

    with serving(app) as server:
        observer = server.service.observer = Observer()
        server.limit_reached = lambda: reached.append(server.service.begun)
        server.service.limit = 3
        connection = Connection(server)
        connection.feed(request(1))
        connection.feed(request(3, path="/refused"))
        assert reached == []
        connection.feed(request(5, method="CONNECT", path=None, scheme=None))
        assert reached == [3]
        connection.feed(request(7, path="/leaves"))
        server.turn(connection.session.connection_lost)
        server.turn(connection.session.cancel_applications)
    assert observer.seen[:2] == [("begin", 1), ("end", 1, 201, 5, "begun", [b"a", b"b"])]
    assert observer.seen[2][:5] == ("end", 3, 500, 21, "begun")
    assert observer.seen[3][:5] == ("end", 5, 501, 15, None)
    assert observer.seen[4:] == [("begin", 7), ("end", 7, 0, 0, "begun", None)]


def test_an_application_that_sends_nothing_but_empty_parts_lets_others_run():
    parts = []

    async def app(scope, receive, send):
        if scope["path"] == "/other":
            parts.append("other")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while "other" not in parts:
            parts.append("")
            await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1), request(3, path="/other"))
        assert connection.body(1) == connection.body(3) == b"end"
