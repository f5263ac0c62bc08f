"""The WSGI application of the servers that real clients and real proxies talk to; its twin is `service_asgi`."""
import gzip
import hashlib
import os
import time

BLOCK = bytes(range(256)) * 256


def app(environ, start_response):
    return PATHS[environ["PATH_INFO"]](environ, start_response)


def whole(start_response, body, status="200 OK"):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def hello(environ, start_response):
    return whole(start_response, b"Hello, world!")


def scheme(environ, start_response):
    """What the application is told of the client and of how it came."""
    return whole(start_response, f"{environ['wsgi.url_scheme']} {environ['HTTP_HOST']} "
                                 f"{environ['SERVER_PROTOCOL']}".encode())


def worker(environ, start_response):
    """The process that answers."""
    return whole(start_response, str(os.getpid()).encode())


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def unchanged(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"same"')])
    return []


def digest(environ, start_response):
    """The SHA-256 of the request's body, read in pieces."""
    sha = hashlib.sha256()
    while part := environ["wsgi.input"].read(65536):
        sha.update(part)
    return whole(start_response, sha.hexdigest().encode())


def refused(environ, start_response):
    """413 without a look at the body."""
    return whole(start_response, b"too large\n", "413 Content Too Large")


def blocks(size):
    """A body of so many octets."""
    while size > 0:
        yield BLOCK[:size]
        size -= len(BLOCK)


def big(environ, start_response):
    """As many octets as the query says, as fast as they go."""
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
    return blocks(size)


def big_slowly(environ, start_response):
    """As many octets as the query says, with a pause behind each 64 KiB."""
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    for block in blocks(size):
        yield block
        time.sleep(0.002)


def zipped_parts(size):
    """A gzip'd body of so many octets, each part of which is about as long as what it holds."""
    for block in blocks(size):
        yield gzip.compress(block, compresslevel=0, mtime=0)


def zipped(environ, start_response):
    """As many octets as the query says, gzip'd."""
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Encoding", "gzip")])
    return zipped_parts(int(environ["QUERY_STRING"]))


def events(environ, start_response):
    """Three events, each made when the file of its number is in the directory that the query names."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    for number in range(3):
        while not os.path.exists(f"{environ['QUERY_STRING']}/{number}"):
            time.sleep(0.01)
        yield b"data: %d\n\n" % number


def trailers(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Trailer", "x-sum")])
    yield b"with trailers"
    environ["gunicorn.http2.send_trailers"]([("x-sum", "abc")])


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


PATHS = {
    "/hello": hello, "/scheme": scheme, "/worker": worker, "/empty": empty, "/unchanged": unchanged,
    "/digest": digest, "/refused": refused, "/big": big, "/big-slowly": big_slowly, "/zipped": zipped,
    "/events": events, "/trailers": trailers, "/endless": endless,
}
