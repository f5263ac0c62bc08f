"""fasth2's response and environment against gunicorn's own: the same fields, the same errors, the same keys."""
import logging
import threading
import types

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fasth2.gunicorn.dropin.connection import HTTP2ServerConnection
from fasth2.gunicorn.patched import environ as environs
from fasth2.gunicorn.patched import response as ours
from tests.gunicorn.patched.request_strategies import CONFIGURATIONS, PEERS, fields, paths, stream_of

# gunicorn's first versions have no such class: they collect the body.
Stock = ours._Stock if ours._Stock is not wsgi.Response else None
with_stock = pytest.mark.skipif(Stock is None, reason="this gunicorn has no response class for HTTP/2")
remembers = pytest.mark.skipif(not ours.known, reason="this gunicorn's responses are not remembered")

ATTRIBUTES = ("status", "status_code", "headers", "response_length", "_omits_body", "chunked", "upgrade", "sent",
              "headers_sent", "must_close")

names = st.sampled_from([
    "Content-Length", "content-length", "Content-Type", "Date", "Server", "Connection", "Upgrade", "Set-Cookie",
    "Transfer-Encoding", "X", "ETag", "Bad Name", "", "Keep-Alive", "é", "TE",
]) | st.text(max_size=4) | st.just(b"X") | st.none()
values = st.sampled_from([
    "", "5", "-1", " 7 ", "x", "a\tb", "a\nb", "é", "\u2028", "upgrade", "websocket", "close", " padded\t", "v" * 100, "٣",
]) | st.text(max_size=6) | st.just(b"5") | st.integers()
statuses = st.sampled_from([
    "200 OK", "204 No Content", "304 Not Modified", "404", "103 Early Hints", "100 Continue", "200", "20", "2000 x",
    "200 \n", "", "200  two", "999 x",
]) | st.none() | st.just(b"200 OK")
# Lists, not tuples, are what some applications give.
headers = st.lists(st.tuples(names, values) | st.tuples(names, values).map(list), max_size=4)
bodies = st.lists(st.binary(max_size=8), max_size=3)


class Sent:
    """A connection that notes what it is told to send."""

    lock = threading.RLock()

    def __init__(self):
        self.head = None
        self.body = b""
        self.trailers = None
        self.ended = False

    def send_response_headers(self, stream_id, status, headers, end_stream=False):
        self.head = (status, [(name.lower(), value) for name, value in headers if name != "date"])
        self.ended = end_stream
        return True

    def send_data(self, stream_id, data, end_stream=False):
        self.body += data
        return True

    def end_stream(self, stream_id, trailers=None):
        self.ended = True
        return True

    def is_awaited(self, stream_id):
        return True

    def send_whole(self, stream_id, status, fields, body):
        return self.send_response_headers(stream_id, status, fields) and self.send_data(stream_id, body) \
            and self.end_stream(stream_id)


def outcome(cls, method, status, fields, parts):
    connection = Sent()
    request = types.SimpleNamespace(method=method, version=(2, 0), should_close=lambda: False)
    response = cls(request, None, Config(), connection, 1)
    try:
        response.start_response(status, list(fields))
        if not getattr(response, "send_whole", lambda parts: False)(parts):
            for part in parts:
                response.write(part)
            response.close()
    except Exception as exc:
        return type(exc), str(exc)
    return [getattr(response, name) for name in ATTRIBUTES], vars(connection)


def mended(wanted, size, method):
    """What gunicorn's class does, but for a Content-Length that is not kept, values that latin-1 does not have, and HEAD.

    ``None`` stands for a ValueError.
    """
    if isinstance(wanted[0], type):
        return wanted
    values, sent = list(wanted[0]), dict(wanted[1])
    fields, length, omits = values[2], values[3], values[4]
    lengths = [value for name, value in fields if name.lower() == "content-length"]
    if not all(value.isascii() and value.isdigit() for value in lengths) or len(set(map(int, lengths))) > 1:
        return None
    if any(not set(value) <= {chr(n) for n in range(256)} for _, value in fields):
        return None
    if length is not None and size < length and not omits:
        return None
    first = True
    kept = []
    for field in fields:
        if field[0].lower() != "content-length" or first:
            kept.append(field)
        first = first and field[0].lower() != "content-length"
    if method == "HEAD" and size and length is None and values[1] not in (204, 304):
        kept.append(("Content-Length", str(size)))
    values[2] = kept
    own = [field for field in sent["head"][1] if field[0] == "server" and field[1] == ours.HTTP2Response.version]
    sent["head"] = (sent["head"][0], [(name.lower(), value if value.isascii() else value.encode("latin-1"))
                                      for name, value in kept] + own)
    return values, sent


@with_stock
@settings(max_examples=500, deadline=None)
@given(st.sampled_from(["GET", "HEAD", "POST"]), statuses, headers, bodies)
@example("GET", "200 OK", [("Content-Length", "3")], [b"ab", b"cd"])
@example("GET", "200 OK", [("Content-Length", "5")], [b"ab", b"cd"])
@example("GET", "200 OK", [("Content-Length", "3"), ("content-length", "3"), ("X", "caf\xe9")], [b"ab", b"cd"])
@example("HEAD", "200 OK", [("Content-Length", "3"), ("content-length", "4")], [])
@example("GET", "200 OK", [("Date", "then"), ("Server", "mine")], [b"ab"])
def test_the_same_as_gunicorns(method, status, fields, parts):
    wanted = mended(outcome(Stock, method, status, fields, parts), sum(map(len, parts)), method)
    for _ in range(2):
        found = outcome(ours.HTTP2Response, method, status, fields, parts)
        if wanted is None:
            assert issubclass(found[0], ValueError)
        else:
            assert found == wanted


def test_an_error_replaces_what_was_begun():
    for cls in filter(None, (Stock, ours.HTTP2Response)):
        connection = Sent()
        response = cls(types.SimpleNamespace(method="GET"), None, Config(), connection, 1)
        response.start_response("200 OK", [("X", "1")])
        with pytest.raises(AssertionError):
            response.start_response("200 OK", [])
        response.start_response("500 Oops", [("Y", "2")], (ValueError, ValueError(), None))
        response.close()
        assert connection.head[0] == 500


@remembers
def test_secrets_are_not_remembered():
    outcome(ours.HTTP2Response, "GET", "200 OK", [("Set-Cookie", "s=1"), ("X-Kept", "1")], [])
    assert ("X-Kept", "1") in ours._fields
    assert not any(name.lower() == "set-cookie" for name, _ in ours._fields)


def test_keys_of_long_names_are_not_remembered():
    assert environs._key("X-SHORT") == "HTTP_X_SHORT"
    assert environs._key("X-" + "L" * 300) == "HTTP_X_" + "L" * 300
    assert "X-SHORT" in environs._keys
    assert max(map(len, environs._keys)) < 100


def comparable(environ):
    different = ("wsgi.errors", "wsgi.early_hints", "gunicorn.http2.send_trailers", "wsgi.ext.http.send_trailers",
                 "wsgi.input")
    return {key: value for key, value in environ.items() if key not in different}


@settings(max_examples=300, deadline=None)
@given(paths.filter(lambda path: path[:1] == "/"), fields, st.sampled_from(["", "/sub"]),
       st.sampled_from([("127.0.0.1", 8000), "/a/socket", "unix:80"]), st.sampled_from(PEERS[:4]))
@example("/sub/x", [("x-a", "1"), ("x-a", "2"), ("version", "9"), ("content-type", "t")], "/sub", ("::1", 1, 0, 0), PEERS[0])
def test_the_same_environment_as_gunicorns(path, rest, script_name, server, peer):
    cfg = CONFIGURATIONS[4]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRIPT_NAME", script_name)
        template = environs.EnvironTemplate(cfg, Sent(), None, peer, server)

        def make(path, rest):
            head = [(":method", "GET"), (":authority", "h:81"), (":path", path)]
            try:
                return HTTP2ServerConnection.request_class(stream_of([*head, *rest]), cfg, peer)
            except Exception:
                return None

        # The template is made of another request's environment.
        template.create(make("/sub/first?query", [("x-first", "1"), ("content-type", "first"), ("content-length", "3")]))
        request = make(path, rest)
        if request is None:
            return
        outcomes = []
        for create in (lambda: wsgi.create(request, None, peer, server, cfg),
                       lambda: template.create(request)):
            try:
                environ = create()[1]
            except Exception as exc:
                outcomes.append((type(exc), str(exc)))
            else:
                # What gunicorn's workers add.
                environ.update({"wsgi.multithread": True, "HTTP_VERSION": "2"})
                assert environ["wsgi.input"] is request.body
                outcomes.append(comparable(environ))
        assert outcomes[0] == outcomes[1]


@remembers
def test_ordinary_responses_come_from_memory(monkeypatch):
    """Or nothing above would show anything."""
    monkeypatch.setattr(wsgi.Response, "start_response", lambda *_: pytest.fail("gunicorn's was asked"))
    _, sent = outcome(ours.HTTP2Response, "GET", "200 OK", [("Content-Type", "text/plain"), ("X", "1")], [b"body"])
    assert sent["head"] == (200, [("content-type", "text/plain"), ("x", "1"), ("server", ours.HTTP2Response.version)])
    assert sent["body"] == b"body"


def test_the_environment_is_copied(monkeypatch):
    assert environs.known
    template = environs.EnvironTemplate(CONFIGURATIONS[0], Sent(), None, ("192.0.2.1", 1), ("127.0.0.1", 2))
    request = HTTP2ServerConnection.request_class(
        stream_of([(":method", "GET"), (":path", "/a")]), CONFIGURATIONS[0], ("192.0.2.1", 1))
    template.create(request)
    monkeypatch.setattr(wsgi, "create", lambda *_: pytest.fail("gunicorn's was asked"))
    environ = template.create(request)[1]
    assert environ["PATH_INFO"] == "/a"
    assert environ["SERVER_PORT"] == "2"


def test_wsgi_errors_finds_a_log_that_was_reopened(tmp_path):
    cfg = Config()
    cfg.set("errorlog", str(tmp_path / "log"))
    log = logging.getLogger("gunicorn.error")
    handler = logging.FileHandler(tmp_path / "first")
    log.addHandler(handler)
    try:
        errors = environs.SharedErrors(cfg)
        errors.write("one\n")
        log.removeHandler(handler)
        handler.close()
        handler = logging.FileHandler(tmp_path / "second")
        log.addHandler(handler)
        errors.close()
        errors.write("two\n")
    finally:
        log.removeHandler(handler)
        handler.close()
    assert (tmp_path / "first").read_text() == "one\n"
    assert (tmp_path / "second").read_text() == "two\n"
