"""The framework test's application for Litestar."""
import asyncio
import hashlib
from dataclasses import dataclass

from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.response import Stream

from tests.programs.framework_parts import PARTS

happened = []


@dataclass
class Item:
    name: str
    number: int = 1


@post("/digest", media_type="text/plain", status_code=200, request_max_body_size=None)
async def digest(request: Request) -> str:
    found = hashlib.sha256()
    async for part in request.stream():
        found.update(part)
    return found.hexdigest()


@post("/item")
async def item(data: Item) -> Item:
    return Item(data.name, data.number + 1)


@get("/thread", sync_to_thread=True)
def thread() -> dict[str, str]:
    return {"from": "a thread"}


@get("/parts")
async def parts() -> Stream:
    return Stream(iter(PARTS), media_type="text/plain")


@get("/endless")
async def endless() -> Stream:
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("ended")

    return Stream(generate(), media_type="text/event-stream")


@get("/seen", media_type="text/plain")
async def seen() -> str:
    return ",".join(happened)


@get("/fault")
async def fault() -> None:
    raise ValueError("a fault of the application")


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_data():
        await socket.send_text(text.upper())


app = Litestar([digest, item, thread, parts, endless, seen, fault, echo])
