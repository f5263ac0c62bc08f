"""The site that the browser visits, for WSGI and for ASGI."""
from __future__ import annotations

import asyncio
import hashlib
import struct
import time
import zlib
from collections import Counter

IMAGES = 200
EVENTS = 5
PAUSE = 0.2
STYLE = b"body { color: rgb(1, 2, 3); }"
#: The page that comes with these hints uses one and does not know the other.
HINTS = ("</hint.css>; rel=preload; as=style", "</hinted-only.css>; rel=preload; as=style")
HTML = {"content-type": "text/html; charset=utf-8"}

#: How often each path was asked for.
asked: Counter[str] = Counter()

#: How many endless responses were stopped, each because the browser had gone.
stopped = 0


def image_size(number: int) -> tuple[int, int]:
    """An image's width and height, no two the same."""
    return 1 + number % 20, 1 + number // 20


def image_colour(number: int) -> tuple[int, int, int]:
    """The colour of all of an image's pixels."""
    return number, 255 - number, 7 * number % 256


def image(number: int) -> bytes:
    """A PNG of a size and a colour that say its number."""
    width, height = image_size(number)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes(image_colour(number)) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def gallery() -> bytes:
    """A page with all images."""
    images = "".join(f'<img src="/image/{number}">' for number in range(IMAGES))
    return f"<!doctype html><title>gallery</title><body>{images}".encode()


def octets(size: int) -> bytes:
    """As many octets, the same each time."""
    return hashlib.shake_128(b"fasth2").digest(size)


def fixed(path: str, query: str) -> tuple[dict[str, str], bytes] | None:
    """The header fields and the body of an answer that is known at once, or ``None``."""
    asked[path] += 1
    if path == "/asked":
        return {"content-type": "text/plain"}, str(asked[query]).encode()
    if path == "/":
        return HTML, gallery()
    if path.startswith("/image/"):
        return {"content-type": "image/png", "cache-control": "max-age=60"}, image(int(path.rpartition("/")[2]))
    if path == "/download":
        return {"content-type": "application/octet-stream"}, octets(int(query))
    if path in ("/hint.css", "/hinted-only.css"):
        return {"content-type": "text/css", "cache-control": "max-age=60"}, STYLE
    if path == "/hinted":
        return HTML, b"<!doctype html><title>hinted</title><link rel=stylesheet href=/hint.css><body>text"
    if path == "/stopped":
        return {"content-type": "text/plain"}, str(stopped).encode()
    if path == "/favicon.ico":
        return {"content-type": "image/png"}, image(0)
    return None


def event(number: int) -> bytes:
    return f"id: {number}\ndata: event {number}\n\n".encode()


def wsgi(environ, start_response):
    """The site, for gthread and gevent."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/hinted":
        environ["wsgi.early_hints"]([("Link", hint) for hint in HINTS])
        time.sleep(PAUSE)
    found = fixed(path, query)
    if found is not None:
        fields, body = found
        start_response("200 OK", [*fields.items(), ("Content-Length", str(len(body)))])
        return [body]
    if path == "/upload":
        sha = hashlib.sha256()
        while part := environ["wsgi.input"].read(65536):
            sha.update(part)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [sha.hexdigest().encode()]
    if path == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        return wsgi_events()
    if path == "/endless":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return wsgi_endless()
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"no such page\n"]


def wsgi_events():
    for number in range(EVENTS):
        yield event(number)
        time.sleep(PAUSE)


def wsgi_endless():
    global stopped
    try:
        while True:
            yield bytes(16384)
            time.sleep(0.002)
    finally:
        stopped += 1


async def asgi(scope, receive, send):
    """The site, for asgi."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    path, query = scope["path"], scope["query_string"].decode()

    async def start(status: int, fields: dict[str, str]) -> None:
        await send({"type": "http.response.start", "status": status,
                    "headers": [(name.encode(), value.encode()) for name, value in fields.items()]})

    async def body(data: bytes, more: bool = False) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": more})

    if path == "/hinted":
        await send({"type": "http.response.informational", "status": 103,
                    "headers": [(b"link", hint.encode()) for hint in HINTS]})
        await asyncio.sleep(PAUSE)
    found = fixed(path, query)
    if found is not None:
        fields, data = found
        await start(200, {**fields, "content-length": str(len(data))})
        await body(data)
    elif path == "/upload":
        sha = hashlib.sha256()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            sha.update(message["body"])
            more = message["more_body"]
        await start(200, {"content-type": "text/plain"})
        await body(sha.hexdigest().encode())
    elif path == "/events":
        await start(200, {"content-type": "text/event-stream", "cache-control": "no-store"})
        for number in range(EVENTS):
            await body(event(number), more=True)
            await asyncio.sleep(PAUSE)
        await body(b"")
    elif path == "/endless":
        await start(200, {"content-type": "application/octet-stream"})
        await asgi_endless(body, receive)
    else:
        await start(404, {"content-type": "text/plain"})
        await body(b"no such page\n")


async def asgi_endless(body, receive):
    global stopped

    async def gone():
        while (await receive())["type"] != "http.disconnect":
            pass

    left = asyncio.ensure_future(gone())
    try:
        while not left.done():
            await body(bytes(16384), more=True)
            await asyncio.sleep(0.002)
    finally:
        left.cancel()
        stopped += 1
