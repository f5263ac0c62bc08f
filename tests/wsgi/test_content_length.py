"""A Content-Length that the application does not keep never reaches the client as a whole answer, in whatever way it sends."""
import io
import sys
from email.utils import parsedate_to_datetime
from wsgiref.util import FileWrapper

import h2.events
import pytest

from tests.support.tls_client import Client
from tests.support.wsgi_serving import Serving

INTERNAL_ERROR = 2


def listed(start, fields, parts):
    start("200 OK", fields)
    return parts


def tupled(start, fields, parts):
    start("200 OK", fields)
    return tuple(parts)


def generated(start, fields, parts):
    start("200 OK", fields)
    yield from parts


def iterated(start, fields, parts):
    start("200 OK", fields)
    return iter(parts)


def written(start, fields, parts):
    write = start("200 OK", fields)
    for part in parts:
        write(part)
    return []


def half_written(start, fields, parts):
    start("200 OK", fields)(parts[0])
    return parts[1:]


def filed(start, fields, parts):
    start("200 OK", fields)
    return FileWrapper(io.BytesIO(b"".join(parts)))


WAYS = [listed, tupled, generated, iterated, written, half_written, filed]


def answer(application):
    """What a client gets: the fields, the body, and the code of a reset or None."""
    with Serving(application) as serving:
        serving.loop.dispatcher.file_wrapper = FileWrapper
        serving.loop.dispatcher.server = "ours"
        with Client(serving) as client:
            client.request(1, "/")
            assert client.read(client.ended(1))
            [response] = client.found(h2.events.ResponseReceived)
            resets = client.found(h2.events.StreamReset)
            return list(response.headers), client.body(1), int(resets[0].error_code) if resets else None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parts", [[b"one ", b"two"], [b"x" * 70000, b"y" * 70000, b"z" * 300000]])
def test_a_body_that_is_too_short(way, parts):
    length = sum(map(len, parts)) + 1
    fields, body, reset = answer(lambda environ, start: way(start, [("content-length", str(length))], list(parts)))
    assert (dict(fields)[":status"], body) == ("500", b"Internal Server Error") or reset == INTERNAL_ERROR


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parts", [[b"one ", b"two"], [b"x" * 70000, b"y" * 70000]])
def test_a_body_that_is_too_long_is_cut(way, parts):
    whole = b"".join(parts)
    fields, body, reset = answer(
        lambda environ, start: way(start, [("content-length", str(len(whole) - 2))], list(parts)))
    assert (dict(fields)[":status"], body, reset) == ("200", whole[:-2], None)


def test_equal_content_lengths_are_sent_as_one_field():
    fields, body, reset = answer(
        lambda environ, start: listed(start, [("Content-Length", "3"), ("content-length", "3")], [b"one"]))
    assert [value for name, value in fields if name == "content-length"] == ["3"]
    assert (body, reset) == (b"one", None)


def test_different_content_lengths_are_answered_with_500():
    fields, _, _ = answer(
        lambda environ, start: listed(start, [("Content-Length", "3"), ("content-length", "4")], [b"one"]))
    assert dict(fields)[":status"] == "500"


def test_an_error_replaces_the_whole_head():
    def application(environ, start):
        start("200 OK", [("content-length", "100"), ("x-first", "1"), ("date", "then")])
        try:
            raise ValueError("on purpose")
        except ValueError:
            start("503 Service Unavailable", [("x-second", "2")], sys.exc_info())
        return [b"sorry"]

    fields, body, reset = answer(application)
    names = [name for name, _ in fields]
    assert dict(fields)[":status"] == "503" and "x-second" in names
    assert "x-first" not in names and "content-length" not in names
    assert names.count("date") == names.count("server") == 1
    assert parsedate_to_datetime(dict(fields)["date"])
    assert (body, reset) == (b"sorry", None)


@pytest.mark.parametrize("given", [[("Date", "Mon, 01 Jan 2024 00:00:00 GMT")], [("Server", "theirs")],
                                   [("date", "Mon, 01 Jan 2024 00:00:00 GMT"), ("server", "theirs")]])
def test_date_and_server_are_not_doubled(given):
    fields, _, _ = answer(lambda environ, start: listed(start, list(given), [b"x"]))
    for name, value in given:
        assert [found for other, found in fields if other == name.lower()] == [value]
    assert [name for name, _ in fields].count("date") == [name for name, _ in fields].count("server") == 1
