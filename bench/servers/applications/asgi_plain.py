"""ASGI and nothing else: 13 octets, 1 MiB at /large."""
from __future__ import annotations

SMALL, LARGE = b"Hello, World!", bytes(1 << 20)


def _start(body):
    fields = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    return {"type": "http.response.start", "status": 200, "headers": fields}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = LARGE if scope["path"] == "/large" else SMALL
    await send(_start(body))
    await send({"type": "http.response.body", "body": body})
