"""What these tests serve, for WSGI and for ASGI."""
from __future__ import annotations

import asyncio
import hashlib
import os
import time

TEXT = ("content-type", "text/plain")
PART = bytes(range(256)) * 64


def wait_for(path: str) -> bool:
    """Whether a file is there."""
    return os.path.exists(path)


def events(path: str):
    """Server-sent events, each but the first once the client has asked for it by making a file."""
    for number in range(3):
        while number and not wait_for(f"{path}{number}"):
            yield None
        yield f"data: {number}\n\n".encode()


def wsgi(environ, start_response):
    """The application for gthread and gevent."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/pid":
        body = str(os.getpid()).encode()
    elif path == "/slow":
        time.sleep(float(query))
        body = b"slow"
    elif path == "/upload":
        sha = hashlib.sha256()
        while part := environ["wsgi.input"].read(65536):
            sha.update(part)
            if query:
                time.sleep(float(query))
        body = sha.hexdigest().encode()
    elif path in ("/events", "/endless"):
        start_response("200 OK", [TEXT])
        return wsgi_events(query) if path == "/events" else wsgi_endless(query)
    else:
        body = PART * int(query or 1)
    start_response("200 OK", [TEXT, ("content-length", str(len(body)))])
    return [body]


def wsgi_events(path):
    for event in events(path):
        if event is None:
            time.sleep(0.01)
        else:
            yield event


def wsgi_endless(path):
    try:
        while True:
            yield PART
            time.sleep(0.001)
    finally:
        open(path, "w").close()


async def asgi(scope, receive, send):
    """The application for asgi."""
    if scope["type"] != "http":
        return
    path, query = scope["path"], scope["query_string"].decode()

    async def start(*fields):
        await send({"type": "http.response.start", "status": 200, "headers": [
            (name.encode(), value.encode()) for name, value in (TEXT, *fields)]})

    async def part(data, more=True):
        await send({"type": "http.response.body", "body": data, "more_body": more})

    if path == "/pid":
        body = str(os.getpid()).encode()
    elif path == "/slow":
        await asyncio.sleep(float(query))
        body = b"slow"
    elif path == "/upload":
        sha = hashlib.sha256()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            sha.update(message["body"])
            more = message["more_body"]
            if query:
                await asyncio.sleep(float(query))
        body = sha.hexdigest().encode()
    elif path == "/events":
        await start()
        for event in events(query):
            if event is None:
                await asyncio.sleep(0.01)
            else:
                await part(event)
        await part(b"", False)
        return
    elif path == "/endless":
        await start()
        await asgi_endless(query, receive, part)
        return
    else:
        body = PART * int(query or 1)
    await start(("content-length", str(len(body))))
    await part(body, False)


async def asgi_endless(path, receive, part):
    async def gone():
        while (await receive())["type"] != "http.disconnect":
            pass

    left = asyncio.ensure_future(gone())
    try:
        while not left.done():
            await part(PART)
            await asyncio.sleep(0.001)
    finally:
        left.cancel()
        open(path, "w").close()
