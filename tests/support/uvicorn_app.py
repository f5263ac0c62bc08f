"""The ASGI application of the tests with uvicorn."""
import asyncio
import hashlib

#: Disconnects that applications were told of.
told = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await PATHS[scope["path"]](scope, receive, send)


async def lifespan(scope, receive, send):
    if "state" in scope:
        scope["state"]["from_lifespan"] = "yes"
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def answer(send, body, *fields, status=200):
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), *fields]})
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send):
    await answer(send, b"Hello, world!")


async def show_scope(scope, receive, send):
    await answer(send, repr(scope).encode())


async def digest(scope, receive, send):
    """The hash of the request's body."""
    found = hashlib.sha256()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            told.append("digest")
            return
        found.update(message["body"])
        if not message["more_body"]:
            break
    await answer(send, found.hexdigest().encode())


async def stream(scope, receive, send):
    """As many parts as the query says, of 50,000 octets."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for n in range(int(scope["query_string"])):
        await send({"type": "http.response.body", "body": b"%d" % (n % 10) * 50000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def slow(scope, receive, send):
    await asyncio.sleep(float(scope["query_string"] or b"0.3"))
    await answer(send, b"slow")


async def events(scope, receive, send):
    """Server-sent events until the client is gone, which `seen` shows."""
    await receive()
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    n = 0
    while not gone.done():
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % n, "more_body": True})
        n += 1
        await asyncio.wait({gone}, timeout=0.02)
    told.append(gone.result()["type"])


async def seen(scope, receive, send):
    await answer(send, ",".join(told).encode())


async def fault(scope, receive, send):
    raise ValueError("a fault of the application")


async def trailers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"trailer", b"x-end")], "trailers": True})
    await send({"type": "http.response.body", "body": b"body"})
    await send({"type": "http.response.trailers", "headers": [(b"x-end", b"yes")]})


PATHS = {"/": hello, "/hello": hello, "/scope": show_scope, "/digest": digest, "/stream": stream, "/slow": slow,
         "/events": events, "/seen": seen, "/fault": fault, "/trailers": trailers}
