"""Responses that end early, break their word, or replace what was begun, for the tests of the worker classes."""
import sys
import time

from tests.gunicorn.patched import worker_app
from tests.support.gate import wait_at_gate

#: Octets of a part.
PART = b"x" * 100


def app(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], worker_app.app)(environ, start_response)


class Noted:
    """Parts of a body; a file says how many were drawn, and that ``close()`` was called.

    Args:
        path: The file.
        part: What is yielded.
        pause: Seconds before each part.
        most: How many there are.
    """

    def __init__(self, path, part, pause, most):
        self.path, self.part, self.pause, self.most = path, part, pause, most
        self.drawn = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.drawn >= self.most:
            raise StopIteration
        self.drawn += 1
        with open(self.path + ".drawn", "w") as file:
            file.write(str(self.drawn))
        time.sleep(self.pause)
        return self.part

    def close(self):
        with open(self.path, "w") as file:
            file.write(str(self.drawn))


def noted(part, pause=0.05, most=2000, headers=()):
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), *headers])
        return Noted(environ["QUERY_STRING"], part, pause, most)
    return answer


def called(environ, start_response):
    """The file named by the query says that the application ran."""
    with open(environ["QUERY_STRING"], "w") as file:
        file.write("called")
    start_response("200 OK", [("Content-Length", "0")])
    return []


def generated(environ, start_response):
    """A generator, which begins its response when it is first drawn on."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    yield b"five."


def generated_without_end(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            yield b""
            time.sleep(0.02)
    finally:
        with open(environ["QUERY_STRING"], "w") as file:
            file.write("closed")


def with_lengths(body, *lengths):
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Length", length) for length in lengths])
        return body() if callable(body) else body
    return answer


def write_without_end(environ, start_response):
    """The file named by the query says how many octets were written when that raised."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    size = 0
    try:
        while True:
            size += len(PART)
            write(PART)
    finally:
        with open(environ["QUERY_STRING"], "w") as file:
            file.write(str(size))


def write_a_little(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    for _ in range(10):
        write(PART)
    return []


def late(*parts):
    """A generator of parts with a pause between them, so that each is sent."""
    def body():
        for part in parts:
            yield part
            time.sleep(0.1)
    return body


def replaced(environ, start_response):
    """An error found before the first octet."""
    start_response("200 OK", [("Content-Length", "1000"), ("X-First", "1"), ("ETag", "first")])
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("X-Second", "2")], sys.exc_info())
    yield b""
    yield b"sorry"


def own_date_and_server(environ, start_response):
    start_response("200 OK", [("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("SERVER", "mine"), ("Content-Length", "0")])
    return []


def latin(environ, start_response):
    environ["wsgi.early_hints"]([("X-Hint", "caf\xe9")])
    environ["gunicorn.http2.send_trailers"]([("x-last", "caf\xe9")])
    start_response("200 OK", [("X-Name", "caf\xe9"), ("Content-Length", "1")])
    return [b"1"]


def beyond_latin(environ, start_response):
    start_response("200 OK", [("X-Name", "\u20ac"), ("Content-Length", "1")])
    return [b"1"]


def events(pause, count):
    """An event stream: parts with pauses between them."""
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        for _ in range(count):
            yield b"data: x\n\n"
            time.sleep(pause)
    return answer


def gated_echo(environ, start_response):
    """The request's body, which is read once the test has opened the gate that the query names."""
    wait_at_gate(environ["QUERY_STRING"])
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


PATHS = {
    "/events": events(0.2, 100), "/silent": events(20, 1), "/gated-echo": gated_echo,
    "/empty-parts": noted(b""), "/parts-for-ever": noted(PART), "/slow-parts": noted(PART, 0.5),
    "/bodiless": noted(PART, headers=[("Content-Length", "200000")]),
    "/write-without-end": write_without_end, "/write-a-little": write_a_little,
    "/called": called, "/generated": generated, "/generated-without-end": generated_without_end,
    "/whole": with_lengths([b"whole"], "5"), "/whole-in-parts": with_lengths([b"who", b"le"], "5"),
    "/whole-without-length": with_lengths([b"whole"]),
    "/short": with_lengths([b"short"], "10"), "/short-parts": with_lengths([b"sh", b"ort"], "10"),
    "/short-generated": with_lengths(late(b"", b""), "10"), "/short-late": with_lengths(late(b"part", b"part"), "10"),
    "/long": with_lengths([b"0123456789"], "5"), "/long-generated": with_lengths(late(b"0123", b"4567", b"89"), "5"),
    "/twice": with_lengths([b"12345"], "5", "5"), "/twice-apart": with_lengths([b"12345"], "5", "6"),
    "/no-number": with_lengths([b"12345"], "five"), "/negative": with_lengths([b"12345"], "-5"),
    "/replaced": replaced, "/own-date-and-server": own_date_and_server, "/latin": latin,
    "/beyond-latin": beyond_latin,
}
