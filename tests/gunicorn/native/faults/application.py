"""The WSGI application of this directory's servers; other paths are those of ``tests.support.load_wsgi``."""
import json
import os
import threading
import time

from tests.support import load_wsgi


def app(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], load_wsgi.app)(environ, start_response)


def answer(start_response, text):
    body = text.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Seen:
    """How many calls there were at a time, and by how many threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.threads = set()

    def __enter__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.get_ident())

    def __exit__(self, *exc):
        with self.lock:
            self.now -= 1


SEEN = Seen()


def hold(environ, start_response):
    """Take as many seconds as the query says."""
    with SEEN:
        time.sleep(float(environ["QUERY_STRING"]))
    return answer(start_response, "held")


def seen(environ, start_response):
    """The most calls of ``/hold`` there were at a time, and how many threads ran them."""
    return answer(start_response, json.dumps({"most": SEEN.most, "threads": len(SEEN.threads)}))


def block(environ, start_response):
    """Never return."""
    threading.Event().wait()


def worker(environ, start_response):
    """The process's number."""
    return answer(start_response, str(os.getpid()))


def parts(environ, start_response):
    """A line for each part, the query's number of seconds after the other; also by write()."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    for number in range(3):
        write(b"written %d\n" % number)
        time.sleep(float(environ["QUERY_STRING"]))
    return _parts(float(environ["QUERY_STRING"]))


def _parts(seconds):
    for number in range(3):
        time.sleep(seconds)
        yield b"yielded %d\n" % number


def slow_echo(environ, start_response):
    """The request's body, read once the call has lost the lead, in odd pieces and lines."""
    time.sleep(float(environ["QUERY_STRING"]))
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    body = environ["wsgi.input"]
    yield body.read(7)
    yield body.readline(100)
    while part := body.read(5001):
        yield part


PATHS = {"/hold": hold, "/seen": seen, "/block": block, "/worker": worker, "/parts": parts, "/slow-echo": slow_echo}
