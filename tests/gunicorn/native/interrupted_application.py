"""An application whose requests are refused, broken off or cancelled; it writes down what it sees on standard error."""
import sys
import time


class UnreadablePostError(OSError):
    """As Django's."""


def tell(*what):
    print("TOLD", *what, file=sys.stderr, flush=True)


def wrapping(environ):
    """Read as Django does."""
    try:
        return environ["wsgi.input"].read()
    except OSError as exc:
        raise UnreadablePostError(*exc.args) from exc


def events():
    """An event stream."""
    try:
        while True:
            yield b"data: x\n\n"
            time.sleep(0.05)
    finally:
        tell("closed")


def waiting():
    """An answer that takes its time."""
    tell("begun")
    time.sleep(1)
    yield b"late"


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "CONNECT":
        tell("CONNECT", repr(path), environ["RAW_URI"])
    elif path == "/read":
        environ["wsgi.input"].read()
    elif path == "/wrap":
        wrapping(environ)
    elif path == "/fail":
        raise ValueError("on purpose")
    elif path == "/events":
        start_response("200 OK", [("content-type", "text/event-stream")])
        return events()
    elif path == "/wait":
        start_response("200 OK", [])
        return waiting()
    start_response("200 OK", [("content-length", "5")])
    return [b"fine\n"]
