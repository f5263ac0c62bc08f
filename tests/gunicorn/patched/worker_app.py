"""Responses of every shape, for the tests of the worker classes; other paths are those of ``tests.support.wsgi_app``."""
from tests.support import wsgi_app

LARGE = bytes(range(256)) * 4096


def app(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], wsgi_app.app)(environ, start_response)


def plain(start_response, size=None):
    headers = [("Content-Type", "text/plain")]
    if size is not None:
        headers.append(("Content-Length", str(size)))
    start_response("200 OK", headers)


def parts(environ, start_response):
    plain(start_response)
    return (b"one", b"", b"two", b"three")


def late_trailers(environ, start_response):
    """Trailers that are set after the last part."""
    plain(start_response)
    yield b"with trailers"
    environ["gunicorn.http2.send_trailers"]([("x-sum", "abc")])


def standard_trailers(environ, start_response):
    """The same under the key that other servers have, as connectrpc looks for it."""
    plain(start_response)
    yield b"with trailers"
    environ["wsgi.ext.http.send_trailers"]([(b"x-sum", b"abc")])


def nothing(environ, start_response):
    plain(start_response)
    return []


def unchanged(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"same"')])
    return []


def too_long(environ, start_response):
    plain(start_response, 4)
    return [b"four", b"and more"]


def large(environ, start_response):
    plain(start_response, len(LARGE))
    return [LARGE]


def large_parts(environ, start_response):
    plain(start_response, len(LARGE))
    return [LARGE[at : at + 10_000] for at in range(0, len(LARGE), 10_000)]


def four_thousand(environ, start_response):
    plain(start_response, 4000)
    return [bytes(4000)]


PATHS = {
    "/parts": parts, "/late-trailers": late_trailers, "/standard-trailers": standard_trailers, "/nothing": nothing, "/unchanged": unchanged,
    "/too-long": too_long, "/large": large, "/large-parts": large_parts, "/4000": four_thousand,
}
