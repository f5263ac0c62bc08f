"""The framework test's application for Quart."""
import asyncio
import hashlib

from quart import Quart, Response, request, websocket

from tests.programs.framework_parts import PARTS

app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = None
happened = []


@app.post("/digest")
async def digest():
    found = hashlib.sha256()
    async for part in request.body:
        found.update(part)
    return found.hexdigest(), {"content-type": "text/plain"}


@app.post("/item")
async def item():
    given = await request.get_json()
    return {"name": given["name"], "number": given["number"] + 1}, 201


@app.get("/thread")
def thread():
    return {"from": "a thread"}


@app.get("/parts")
async def parts():
    async def generate():
        for part in PARTS:
            yield part

    return Response(generate(), content_type="text/plain")


@app.get("/endless")
async def endless():
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("ended")

    response = Response(generate(), content_type="text/event-stream")
    response.timeout = None
    return response


@app.get("/seen")
async def seen():
    return ",".join(happened), {"content-type": "text/plain"}


@app.get("/fault")
async def fault():
    raise ValueError("a fault of the application")


@app.websocket("/echo")
async def echo():
    while True:
        await websocket.send((await websocket.receive()).upper())
