"""The framework test's application for Starlette."""
import asyncio
import hashlib

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from tests.programs.framework_parts import PARTS

happened = []


async def digest(request):
    return PlainTextResponse(hashlib.sha256(await request.body()).hexdigest())


async def item(request):
    given = await request.json()
    return JSONResponse({"name": given["name"], "number": given["number"] + 1}, status_code=201)


def thread(request):
    return JSONResponse({"from": "a thread"})


async def parts(request):
    return StreamingResponse(iter(PARTS), media_type="text/plain")


async def endless(request):
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("ended")

    return StreamingResponse(generate(), media_type="text/event-stream")


async def seen(request):
    return PlainTextResponse(",".join(happened))


async def fault(request):
    raise ValueError("a fault of the application")


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


app = Starlette(routes=[
    Route("/digest", digest, methods=["POST"]), Route("/item", item, methods=["POST"]), Route("/thread", thread),
    Route("/parts", parts), Route("/endless", endless), Route("/seen", seen), Route("/fault", fault),
    WebSocketRoute("/echo", echo),
])
