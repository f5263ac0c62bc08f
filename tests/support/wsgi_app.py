"""The WSGI application that the tests' servers run."""
import hashlib
import json
import sys
import time

from .gate import wait_at_gate


def app(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], missing)(environ, start_response)


def missing(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"no such path\n"]


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, world!"]


def about(environ, start_response):
    """What the application sees, as JSON."""
    from fasth2.gunicorn import counters, status

    seen = {name: value for name, value in environ.items() if isinstance(value, str)}
    seen["loaded"] = sorted({"h2", "hpack", "hyperframe"} & {name for name, m in sys.modules.items() if m is not None})
    seen["status"] = vars(status())
    seen["counters"] = counters()
    body = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def echo(environ, start_response):
    """The request's body, whole."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]


def reflect(environ, start_response):
    """The request's body, line by line as it arrives."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield from environ["wsgi.input"]


def digest(environ, start_response):
    """The SHA-256 of the request's body, read in pieces."""
    sha = hashlib.sha256()
    while part := environ["wsgi.input"].read(65536):
        sha.update(part)
    body = sha.hexdigest().encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def verify(environ, start_response):
    """No body where the SHA-256 of the request's is what the query says, else 400."""
    sha = hashlib.sha256()
    while part := environ["wsgi.input"].read(65536):
        sha.update(part)
    matches = sha.hexdigest() == environ["QUERY_STRING"]
    start_response("204 No Content" if matches else "400 Bad Request", [])
    return []


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def unchanged(environ, start_response):
    """304 where the client has the entity tag."""
    if environ.get("HTTP_IF_NONE_MATCH") == '"same"':
        start_response("304 Not Modified", [("ETag", '"same"')])
        return []
    start_response("200 OK", [("ETag", '"same"'), ("Content-Length", "4")])
    return [b"once"]


def fields(environ, start_response):
    """As many response fields of a hundred octets as the query says."""
    count = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", "0"), *((f"X-Field-{n}", f"{n:0100d}") for n in range(count))])
    return []


def big(environ, start_response):
    """As many octets as the query says."""
    size = int(environ["QUERY_STRING"] or 1 << 20)
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
    block = bytes(range(256)) * 256
    while size > 0:
        yield block[:size]
        size -= len(block)


def trailers(environ, start_response):
    """Trailers behind a body, of as many octets as the query says."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Trailer", "x-sum")])
    environ["gunicorn.http2.send_trailers"]([("x-sum", "abc")])
    return [b"t" * int(environ["QUERY_STRING"])] if environ["QUERY_STRING"] else [b"with trailers"]


def hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    return hello(environ, start_response)


def chunks(environ, start_response):
    """A few parts with pauses, the last one empty."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first\n"
    time.sleep(0.3)
    yield b"second\n"
    yield b""


def slow(environ, start_response):
    """An answer after as many seconds as the query says."""
    time.sleep(float(environ["QUERY_STRING"]))
    return hello(environ, start_response)


def gated(environ, start_response):
    """An answer once the test has opened the gate that the query names."""
    wait_at_gate(environ["QUERY_STRING"])
    return hello(environ, start_response)


def endless(environ, start_response):
    """A response that stops when the client does; the file named by the query says so then."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    try:
        while True:
            yield b"x" * 4096
            time.sleep(0.005)
    finally:
        with open(environ["QUERY_STRING"], "w") as file:
            file.write("closed")


def fail(environ, start_response):
    raise ValueError("on purpose")


def fail_late(environ, start_response):
    """A failure once part of the body is out."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"part"
    raise ValueError("on purpose")


def too_large(environ, start_response):
    """An answer to an upload, which is not read."""
    start_response("413 Content Too Large", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [b"too large"]


PATHS = {
    "/": hello, "/hello": hello, "/about": about, "/echo": echo, "/reflect": reflect, "/digest": digest,
    "/verify": verify, "/empty": empty, "/unchanged": unchanged, "/fields": fields, "/big": big,
    "/trailers": trailers, "/hints": hints, "/chunks": chunks, "/slow": slow, "/gated": gated, "/endless": endless,
    "/fail": fail, "/fail-late": fail_late, "/too-large": too_large,
}
