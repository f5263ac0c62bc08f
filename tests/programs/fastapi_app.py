"""The framework test's application for FastAPI."""
import asyncio
import hashlib

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from tests.programs.framework_parts import PARTS

app = FastAPI()
happened = []


class Item(BaseModel):
    name: str
    number: int = 1


@app.post("/digest", response_class=PlainTextResponse)
async def digest(request: Request):
    found = hashlib.sha256()
    async for part in request.stream():
        found.update(part)
    return found.hexdigest()


@app.post("/item", status_code=201)
async def item(item: Item):
    return {"name": item.name, "number": item.number + 1}


@app.get("/thread")
def thread():
    return {"from": "a thread"}


@app.get("/parts")
async def parts():
    return StreamingResponse(iter(PARTS), media_type="text/plain")


@app.get("/endless")
async def endless():
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("ended")

    return StreamingResponse(generate(), media_type="text/event-stream")


@app.get("/seen", response_class=PlainTextResponse)
async def seen():
    return ",".join(happened)


@app.get("/fault")
async def fault():
    raise ValueError("a fault of the application")


@app.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())
