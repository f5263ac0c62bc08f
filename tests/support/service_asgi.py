"""The ASGI application of the servers that real clients and real proxies talk to; its twin is `service_wsgi`."""
import asyncio
import hashlib
import os

from tests.support.service_wsgi import blocks, zipped_parts


async def app(scope, receive, send):
    if scope["type"] == "http":
        await PATHS[scope["path"]](scope, receive, send)


async def start(send, status=200, **fields):
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": "trailer" in fields})


async def part(send, body=b"", more_body=False):
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


async def whole(send, body, status=200):
    await start(send, status, content_type="text/plain", content_length=str(len(body)))
    await part(send, body)


async def stream(send, parts, pause=None):
    for data in parts:
        await part(send, data, True)
        if pause is not None:
            await asyncio.sleep(pause)
    await part(send)


async def hello(scope, receive, send):
    await whole(send, b"Hello, world!")


async def scheme(scope, receive, send):
    """What the application is told of the client and of how it came."""
    host = dict(scope["headers"])[b"host"].decode()
    version = {"2": "2.0"}.get(scope["http_version"], scope["http_version"])
    await whole(send, f"{scope['scheme']} {host} HTTP/{version}".encode())


async def worker(scope, receive, send):
    await whole(send, str(os.getpid()).encode())


async def empty(scope, receive, send):
    await start(send, 204)
    await part(send)


async def unchanged(scope, receive, send):
    await start(send, 304, etag='"same"')
    await part(send)


async def digest(scope, receive, send):
    sha = hashlib.sha256()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        sha.update(message["body"])
        more = message["more_body"]
    await whole(send, sha.hexdigest().encode())


async def refused(scope, receive, send):
    await whole(send, b"too large\n", 413)


async def big(scope, receive, send):
    size = int(scope["query_string"])
    await start(send, content_type="application/octet-stream", content_length=str(size))
    await stream(send, blocks(size))


async def big_slowly(scope, receive, send):
    await start(send, content_type="application/octet-stream")
    await stream(send, blocks(int(scope["query_string"])), 0.002)


async def zipped(scope, receive, send):
    await start(send, content_type="application/octet-stream", content_encoding="gzip")
    await stream(send, zipped_parts(int(scope["query_string"])))


async def events(scope, receive, send):
    await start(send, content_type="text/event-stream")
    for number in range(3):
        while not os.path.exists(f"{scope['query_string'].decode()}/{number}"):
            await asyncio.sleep(0.01)
        await part(send, b"data: %d\n\n" % number, True)
    await part(send)


async def trailers(scope, receive, send):
    await start(send, content_type="text/plain", trailer="x-sum")
    await part(send, b"with trailers")
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"abc")]})


async def left(receive):
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def endless(scope, receive, send):
    """Ends when the client does, whichever way the application hears of it; the file named by the query says so."""
    gone = asyncio.ensure_future(left(receive))
    try:
        await start(send, content_type="application/octet-stream")
        while not gone.done():
            await part(send, b"x" * 4096, True)
            await asyncio.sleep(0.005)
    finally:
        gone.cancel()
        with open(scope["query_string"], "w") as file:
            file.write("closed")


PATHS = {
    "/hello": hello, "/scheme": scheme, "/worker": worker, "/empty": empty, "/unchanged": unchanged,
    "/digest": digest, "/refused": refused, "/big": big, "/big-slowly": big_slowly, "/zipped": zipped,
    "/events": events, "/trailers": trailers, "/endless": endless,
}
