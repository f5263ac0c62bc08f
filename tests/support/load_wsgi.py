"""The WSGI application of this directory's servers; other paths are those of ``tests.support.wsgi_app``."""
import os
import time
from pathlib import Path

from tests.support import wsgi_app
from tests.support.payload import BLOCK, fill, is_filled


def app(environ, start_response):
    note(environ.get("HTTP_X_ID"))
    return PATHS.get(environ["PATH_INFO"], wsgi_app.app)(environ, start_response)


def note(name):
    """Remember that a request was begun, where the environment names a file for that."""
    if name is not None:
        file = os.open(os.environ["FASTH2_TEST_BEGUN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, name.encode() + b"\n")
        os.close(file)


def read_slowly(environ, start_response):
    """The size of the body and whether it is what `fill` makes, read with pauses."""
    size = 0
    right = True
    time.sleep(0.5)
    while part := environ["wsgi.input"].read(BLOCK):
        right = right and is_filled(part, size)
        size += len(part)
        time.sleep(0.0005)
    body = b"%d %s" % (size, b"right" if right else b"wrong")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def stream(environ, start_response):
    """As many octets as the query says, in parts, without their number."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return fill(int(environ["QUERY_STRING"]))


def unread(environ, start_response):
    """50 megabytes; the file that the query names says when the response has ended, however it did."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    try:
        yield from fill(50_000_000)
    finally:
        Path(environ["QUERY_STRING"]).touch()


def events(environ, start_response):
    """Three events, each made when the file of its number is in the directory that the query names."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    for number in range(3):
        while not os.path.exists(f"{environ['QUERY_STRING']}/{number}"):
            time.sleep(0.01)
        yield b"data: %d\n\n" % number


def ticks(environ, start_response):
    """Parts without end, with as many seconds between them as the query says."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    while True:
        yield b"tick"
        time.sleep(float(environ["QUERY_STRING"]))


def after_the_body(environ, start_response):
    """The size of the body."""
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Trailer", "x-sum")])
    yield b"body" * 10000
    environ["gunicorn.http2.send_trailers"]([("x-sum", str(size))])


PATHS = {
    "/read-slowly": read_slowly, "/stream": stream, "/unread": unread, "/events": events, "/ticks": ticks,
    "/after-the-body": after_the_body,
}
