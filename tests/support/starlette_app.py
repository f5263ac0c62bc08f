"""A Starlette application of the tests: bodies, streams, files, disconnects, background tasks, WebSockets."""
import asyncio
import hashlib
import tempfile
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

#: What has happened.
happened = []

FILE = Path(tempfile.mkdtemp(), "file")
FILE.write_bytes(bytes(range(256)) * 4000)


async def digest(request):
    return PlainTextResponse(hashlib.sha256(await request.body()).hexdigest())


async def parts(request):
    async def generate():
        for n in range(20):
            yield b"%d" % (n % 10) * 30000
            await asyncio.sleep(0)

    return StreamingResponse(generate(), media_type="text/plain")


async def endless(request):
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("generator closed")

    return StreamingResponse(generate(), media_type="text/event-stream")


async def file(request):
    return FileResponse(FILE)


async def background(request):
    async def later():
        await asyncio.sleep(0.05)
        happened.append("background")

    return PlainTextResponse("soon", background=BackgroundTask(later))


def fault(request):
    raise ValueError("a fault")


async def seen(request):
    return JSONResponse(happened)


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


app = Starlette(routes=[
    Route("/digest", digest, methods=["POST"]), Route("/parts", parts), Route("/endless", endless), Route("/file", file),
    Route("/background", background), Route("/fault", fault), Route("/seen", seen), WebSocketRoute("/echo", echo),
])  # fmt: skip
