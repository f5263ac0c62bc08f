"""The ASGI application of this directory's servers, with the paths of its WSGI one that the tests use."""
import asyncio
import os
from pathlib import Path

from tests.support.load_wsgi import note
from tests.support.payload import fill, is_filled


async def app(scope, receive, send):
    if scope["type"] == "http":
        note(next((value.decode() for name, value in scope["headers"] if name == b"x-id"), None))
        await PATHS[scope["path"]](scope, receive, send)


async def start(send, status=200, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": list(headers), **more})


async def part(send, body=b"", more_body=False):
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


async def whole(send, body):
    await start(send, headers=[(b"content-length", b"%d" % len(body))])
    await part(send, body)


async def parts(receive):
    """The parts of the request's body."""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RuntimeError("the client left")
        yield message["body"]
        if not message["more_body"]:
            return


async def hello(scope, receive, send):
    await whole(send, b"Hello, world!")


async def slow(scope, receive, send):
    await asyncio.sleep(float(scope["query_string"]))
    await hello(scope, receive, send)


async def echo(scope, receive, send):
    await whole(send, b"".join([data async for data in parts(receive)]))


async def read_slowly(scope, receive, send):
    size = 0
    right = True
    await asyncio.sleep(0.5)
    async for data in parts(receive):
        right = right and is_filled(data, size)
        size += len(data)
        await asyncio.sleep(0.0005)
    await whole(send, b"%d %s" % (size, b"right" if right else b"wrong"))


async def stream(scope, receive, send):
    await start(send)
    for data in fill(int(scope["query_string"])):
        await part(send, data, True)
    await part(send)


async def unread(scope, receive, send):
    await start(send)
    try:
        for data in fill(50_000_000):
            await part(send, data, True)
        await part(send)
    finally:
        Path(scope["query_string"].decode()).touch()


async def events(scope, receive, send):
    await start(send, headers=[(b"content-type", b"text/event-stream")])
    for number in range(3):
        while not os.path.exists(f"{scope['query_string'].decode()}/{number}"):
            await asyncio.sleep(0.01)
        await part(send, b"data: %d\n\n" % number, True)
    await part(send)


async def ticks(scope, receive, send):
    await start(send)
    while True:
        await part(send, b"tick", True)
        await asyncio.sleep(float(scope["query_string"]))


async def after_the_body(scope, receive, send):
    size = sum([len(data) async for data in parts(receive)])
    await start(send, headers=[(b"trailer", b"x-sum")], trailers=True)
    await part(send, b"body" * 10000)
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"%d" % size)]})


async def hints(scope, receive, send):
    link = [(b"link", b"</style.css>; rel=preload; as=style")]
    await send({"type": "http.response.informational", "status": 103, "headers": link})
    await hello(scope, receive, send)


async def empty(scope, receive, send):
    await start(send, 204)
    await part(send)


async def unchanged(scope, receive, send):
    await start(send, 304, [(b"etag", b'"same"')])
    await part(send)


PATHS = {
    "/hello": hello, "/slow": slow, "/echo": echo, "/read-slowly": read_slowly, "/stream": stream, "/unread": unread,
    "/events": events, "/ticks": ticks, "/after-the-body": after_the_body, "/hints": hints, "/empty": empty, "/unchanged": unchanged,
}
