"""FastAPI: one route, 13 octets."""
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

application = FastAPI()


@application.get("/", response_class=PlainTextResponse)
async def hello():
    return "Hello, World!"
