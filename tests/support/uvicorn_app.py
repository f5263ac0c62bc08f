"""The ASGI application of the tests with uvicorn."""
import asyncio
import gc
import hashlib
import time

#: Disconnects that applications were told of.
told = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await PATHS.get(scope["path"], missing)(scope, receive, send)


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


async def missing(scope, receive, send):
    await answer(send, b"not found", status=404)


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


async def counters(scope, receive, send):
    """Those of the process."""
    from fasth2.uvicorn import counters as read

    await answer(send, repr(read()).encode())


async def frozen(scope, receive, send):
    await answer(send, b"%d" % gc.get_freeze_count())


async def fault(scope, receive, send):
    raise ValueError("a fault of the application")


async def faults(scope, receive, send):
    """Fail where the query says: before the head, after it, between parts, or after the last one."""
    where = scope["query_string"].decode()
    if where == "before":
        raise ValueError("before the head")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if where == "head":
        raise ValueError("after the head")
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    if where == "between":
        raise ValueError("between parts")
    await send({"type": "http.response.body", "body": b"end"})
    raise ValueError("after the end")


async def flood(scope, receive, send):
    """Nothing is awaited but `send`."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(int(scope["query_string"])):
        await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
    await send({"type": "http.response.body"})
    told.append("flooded")


async def busy(scope, receive, send):
    """The loop waits for it."""
    time.sleep(float(scope["query_string"]))
    await answer(send, b"busy")


async def trailers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"trailer", b"x-end")], "trailers": True})
    await send({"type": "http.response.body", "body": b"body"})
    await send({"type": "http.response.trailers", "headers": [(b"x-end", b"yes")]})


async def websocket(scope, receive, send):
    """Echo; the first message is the scope. Denied at /denied."""
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/undecided":
        told.append("undecided")
        await asyncio.sleep(3600)
    if scope["path"] == "/later":
        await asyncio.sleep(float(scope["query_string"]))
    if scope["path"] == "/denied":
        if "websocket.http.response" in scope.get("extensions", {}):
            await send({"type": "websocket.http.response.start", "status": 418, "headers": [(b"x-reason", b"tea")]})
            await send({"type": "websocket.http.response.body", "body": b"a ", "more_body": True})
            await send({"type": "websocket.http.response.body", "body": b"pot"})
        else:
            await send({"type": "websocket.close", "code": 1000})
        return
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None),
                "headers": [(b"x-accepted", b"yes")]})
    shown = {key: scope[key] for key in ("type", "http_version", "scheme", "path", "raw_path", "query_string", "headers")}
    await send({"type": "websocket.send", "text": repr(shown)})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            told.append(f"websocket {message['code']}")
            return
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4000})
            return
        if message.get("text") == "many":
            for _ in range(100):
                await send({"type": "websocket.send", "bytes": b"x" * 20000})
        else:
            await send({"type": "websocket.send", **{k: message.get(k) for k in ("text", "bytes") if message.get(k)}})


PATHS = {"/": hello, "/hello": hello, "/scope": show_scope, "/digest": digest, "/stream": stream, "/slow": slow,
         "/events": events, "/seen": seen, "/counters": counters, "/frozen": frozen, "/fault": fault, "/faults": faults,
         "/flood": flood, "/busy": busy,
         "/trailers": trailers}
