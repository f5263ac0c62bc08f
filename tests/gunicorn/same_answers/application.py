"""What the compared servers run, for WSGI and for ASGI.

A request's ``x-respond`` field says how it is answered, ``x-read`` how its body is read. What the application saw goes
to the file that ``FASTH2_SEEN`` names, a line of JSON a call.
"""
from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os

TEXT = ("content-type", "text/plain")


def describe(value):
    """A value as JSON can have it: what is compared, without addresses of objects."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, bytes):
        return ["bytes", value.decode("latin-1")]
    if isinstance(value, (list, tuple)):
        return [describe(each) for each in value]
    if isinstance(value, dict):
        return {str(name): describe(each) for name, each in value.items()}
    return type(value).__name__ if not callable(value) else "callable"


#: Objects whose class is nobody's business.
OBJECTS = ("wsgi.errors",)


def note(case, seen, body, trouble):
    """Write down what the application saw of a request."""
    seen = {name: "an object" if name in OBJECTS else describe(value) for name, value in seen.items()}
    line = json.dumps({"case": case, "seen": seen, "size": len(body),
                       "body": hashlib.sha256(body).hexdigest(), "trouble": trouble})
    file = os.open(os.environ["FASTH2_SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode() + b"\n")
    finally:
        os.close(file)


#: name: status, header fields, parts of the body. Neither HEAD nor a status changes what the application gives.
PLAIN = {
    "": ("200 OK", [TEXT, ("content-length", "5")], [b"plain"]),
    "no-length": ("200 OK", [TEXT], [b"plain"]),
    "parts": ("200 OK", [TEXT], [b"one", b"two", b"three"]),
    "parts-with-length": ("200 OK", [TEXT, ("content-length", "11")], [b"one", b"two", b"three"]),
    "empty-parts": ("200 OK", [TEXT], [b"", b"one", b"", b"two", b""]),
    "only-empty-parts": ("200 OK", [TEXT], [b"", b""]),
    "no-parts": ("200 OK", [TEXT], []),
    "length-0": ("200 OK", [TEXT, ("content-length", "0")], []),
    "too-long": ("200 OK", [TEXT, ("content-length", "3")], [b"more than that"]),
    "16383": ("200 OK", [TEXT], [b"x" * 16383]),
    "16384": ("200 OK", [TEXT], [b"x" * 16384]),
    "16385": ("200 OK", [TEXT], [b"x" * 16385]),
    "many-parts": ("200 OK", [TEXT], [b"%d," % n for n in range(200)]),
    "cookies": ("200 OK", [TEXT, ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")], [b"x"]),
    "mixed-case": ("200 OK", [("Content-TYPE", "text/plain"), ("X-MiXed", "Value")], [b"x"]),
    "hop-by-hop": ("200 OK", [TEXT, ("Connection", "close"), ("Keep-Alive", "5")], [b"x"]),
    "own-date-and-server": ("200 OK", [TEXT, ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("Server", "mine")], [b"x"]),
    "empty-value": ("200 OK", [TEXT, ("X-Empty", "")], [b"x"]),
    "spaces": ("200 OK", [TEXT, ("X-Spaces", "a  b\tc")], [b"x"]),
    "latin-1": ("200 OK", [TEXT, ("X-Latin", "caf\xe9")], [b"x"]),
    "many-fields": ("200 OK", [TEXT, *((f"X-Field-{n}", f"{n:050d}") for n in range(150))], [b"x"]),
    "long-field": ("200 OK", [TEXT, ("X-Long", "v" * 9000)], [b"x"]),
    "secret": ("200 OK", [TEXT, ("Authorization", "secret"), ("Set-Cookie", "s=" + "k" * 40)], [b"x"]),
}
for _status in ("201 Created", "202 Accepted", "203 Non-Authoritative Information", "205 Reset Content",
                "206 Partial Content", "301 Moved Permanently", "302 Found", "307 Temporary Redirect",
                "400 Bad Request", "401 Unauthorized", "404 Not Found", "405 Method Not Allowed", "418 I'm a teapot",
                "429 Too Many Requests", "451 Unavailable For Legal Reasons", "500 Internal Server Error",
                "503 Service Unavailable", "599 Whatever", "299 "):
    PLAIN[_status[:3]] = (_status, [TEXT, ("location", "/elsewhere")], [b"a body"])
for _status in ("204 No Content", "304 Not Modified"):
    PLAIN[_status[:3]] = (_status, [("etag", '"tag"')], [])
    PLAIN[_status[:3] + "-with-a-body"] = (_status, [("etag", '"tag"')], [b"a body"])
    PLAIN[_status[:3] + "-with-a-length"] = (_status, [("etag", '"tag"'), ("content-length", "6")], [])

#: How many hints, and of what, come before a plain answer.
HINTS = {
    "hint": [[("Link", "</a.css>; rel=preload")]],
    "hints": [[("Link", "</a.css>; rel=preload"), ("Link", "</b.js>; rel=preload")], [("Link", "</c.png>")]],
    "hint-and-204": [[("Link", "</a.css>; rel=preload")]],
}
SIZES = {"100000": 100_000, "65535": 65535, "65536": 65536}
TRAILERS = [("x-sum", "abc"), ("x-more", "def")]


def answer(kind):
    """The plain answer that a kind has, or ends with."""
    if kind in SIZES:
        return "200 OK", [TEXT, ("content-length", str(SIZES[kind]))], [bytes(range(256)) * 400][:1]
    return PLAIN.get({"hint-and-204": "204"}.get(kind, kind), PLAIN[""])


# WSGI

def read(stream, how):
    """Read a body in one of the ways."""
    if how == "none":
        return b""
    if how == "some":
        return stream.read(10)
    if how == "pieces":
        return b"".join(iter(lambda: stream.read(7), b""))
    if how == "line":
        return stream.readline()
    if how == "short-lines":
        return b"|".join(iter(lambda: stream.readline(5), b""))
    if how == "lines":
        return b"|".join(stream.readlines())
    if how == "iterate":
        return b"|".join(stream)
    if how == "twice":
        return stream.read() + b"|" + stream.read()
    return stream.read()


def wsgi(environ, start_response):
    """The application for gthread and gevent."""
    kind = environ.get("HTTP_X_RESPOND", "")
    body, trouble = b"", None
    seen = dict(environ)
    try:
        body = read(environ["wsgi.input"], environ.get("HTTP_X_READ", ""))
    except Exception as exc:
        trouble = type(exc).__name__
    note(environ.get("HTTP_X_CASE"), seen, body, trouble)
    if kind == "raise":
        raise ValueError("on purpose")
    if kind == "raise-late":
        return raise_late(start_response)
    if kind == "raise-after-start":
        start_response("200 OK", [TEXT])
        raise ValueError("on purpose")
    if kind == "exc-info":
        return exc_info(start_response)
    if kind == "start-twice":
        start_response("200 OK", [TEXT])
    if kind == "bad-field":
        start_response("200 OK", [("X-Bad", "a\r\nb: c")])
        return [b"x"]
    if kind == "bad-name":
        start_response("200 OK", [("X Bad", "a")])
        return [b"x"]
    if kind == "no-start":
        return [b"x"]
    if kind == "text":
        start_response("200 OK", [TEXT])
        return ["no bytes"]
    if kind == "write":
        write = start_response("200 OK", [TEXT])
        write(b"written ")
        write(b"")
        return [b"and returned"]
    if kind == "file":
        start_response("200 OK", [TEXT, ("content-length", "20000")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"f" * 20000))
    if kind == "trailers":
        start_response("200 OK", [TEXT, ("trailer", "x-sum")])
        environ["gunicorn.http2.send_trailers"](TRAILERS)
        return [b"with trailers"]
    for hint in HINTS.get(kind, ()):
        environ["wsgi.early_hints"](hint)
    status, fields, parts = answer(kind)
    if kind in SIZES:
        parts = [parts[0][:SIZES[kind]]]
    start_response(status, list(fields))
    return iter(parts) if "parts" in kind else list(parts)


def raise_late(start_response):
    start_response("200 OK", [TEXT])
    yield b"part"
    raise ValueError("on purpose")


def exc_info(start_response):
    import sys

    start_response("200 OK", [TEXT])
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("500 Oh", [TEXT], sys.exc_info())
    return [b"replaced"]


# ASGI

async def asgi(scope, receive, send):
    """The application for asgi."""
    if scope["type"] != "http":
        return
    fields = dict(scope["headers"])
    kind = fields.get(b"x-respond", b"").decode()
    body, trouble = b"", None
    if fields.get(b"x-read") != b"none":
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                trouble = "disconnected"
                break
            body += message["body"]
            if not message["more_body"]:
                break
    note(fields.get(b"x-case", b"").decode("latin-1"), scope, body, trouble)

    async def start(status, fields, **more):
        await send({"type": "http.response.start", "status": status, "headers": [
            (name.encode(), value.encode("latin-1")) for name, value in fields], **more})

    async def part(data, more=True):
        await send({"type": "http.response.body", "body": data, "more_body": more})

    if kind == "raise":
        raise ValueError("on purpose")
    if kind in ("raise-late", "raise-after-start"):
        await start(200, [TEXT])
        if kind == "raise-late":
            await part(b"part")
        raise ValueError("on purpose")
    if kind == "start-twice":
        await start(200, [TEXT])
        with contextlib.suppress(Exception):
            await start(200, [TEXT])
    elif kind == "bad-field":
        await start(200, [("X-Bad", "a\r\nb: c")])
    elif kind == "bad-name":
        await start(200, [("X Bad", "a")])
    elif kind == "no-start":
        await part(b"x", False)
        return
    elif kind == "trailers":
        await start(200, [TEXT, ("trailer", "x-sum")], trailers=True)
        await part(b"with trailers", False)
        await send({"type": "http.response.trailers", "headers": [
            (name.encode(), value.encode()) for name, value in TRAILERS]})
        return
    else:
        for hint in HINTS.get(kind, ()):
            await send({"type": "http.response.informational", "status": 103, "headers": [
                (name.lower().encode(), value.encode()) for name, value in hint]})
        status, fields, parts = answer(kind)
        if kind in SIZES:
            parts = [parts[0][:SIZES[kind]]]
        await start(int(status[:3]), fields)
        if "parts" in kind:
            for each in parts:
                await part(each)
            await part(b"", False)
        else:
            await part(b"".join(parts), False)
        return
    await part(b"x", False)
