"""httpx or httpx2, as a client; run by its own interpreter.

    httpx_client.py MODULE CA URL SCENARIO…

Each scenario's result is printed as a line of JSON. The server has the paths of `service_wsgi`, or those of
`faulty_server`.
"""
import asyncio
import hashlib
import importlib
import json
import random
import ssl
import sys
import time

from tests.programs.asgi_app import engine

MODULE, CA, URL, *SCENARIOS = sys.argv[1:]
httpx = importlib.import_module(MODULE)
core = importlib.import_module(MODULE.replace("httpx", "httpcore"))
SIZE = 10 << 20
BODY = random.Random(9).randbytes(SIZE)
PART = BODY[: 3 << 20]


def options(connections=1):
    return {"http1": False, "http2": True, "verify": ssl.create_default_context(cafile=CA), "base_url": URL,
            "timeout": 20, "limits": httpx.Limits(max_connections=connections)}


def is_hello(answer):
    return (answer.status_code, answer.http_version, answer.text) == (200, "HTTP/2", "Hello, world!")


def sequential():
    with httpx.Client(**options()) as client:
        return sum(is_hello(client.get("/hello")) for _ in range(50))


def concurrent_tasks():
    """A hundred streams of one connection, by tasks."""
    async def run():
        async with httpx.AsyncClient(**options()) as client:
            await client.get("/hello")
            return await asyncio.gather(*(client.get("/hello") for _ in range(100)))

    return sum(map(is_hello, asyncio.run(run())))


def is_taken(answer, body=BODY):
    """Return True if a server has got a body: it answers with the body's digest, or with the body."""
    return answer.content in (hashlib.sha256(body).hexdigest().encode(), body)


def upload():
    with httpx.Client(**options()) as client:
        return is_taken(client.post("/digest", content=BODY))


def upload_in_parts():
    async def parts():
        for begin in range(0, len(PART), 50_000):
            yield PART[begin : begin + 50_000]

    async def run():
        async with httpx.AsyncClient(**options()) as client:
            return await client.post("/digest", content=parts())

    return is_taken(asyncio.run(run()), PART)


def download():
    with httpx.Client(**options()) as client:
        with client.stream("GET", f"/big?{SIZE}") as answer:
            return sum(map(len, answer.iter_bytes()))


def transfers_at_once():
    """Uploads and downloads that share one connection and its windows."""
    async def run():
        async with httpx.AsyncClient(**options()) as client:
            await client.get("/hello")
            up = [client.post("/digest", content=PART) for _ in range(2)]
            down = [client.get(f"/big?{SIZE}") for _ in range(2)]
            answers = await asyncio.gather(*up, *down)
            return [is_taken(answer, PART) for answer in answers[:2]] + [len(answer.content) for answer in answers[2:]]

    return asyncio.run(run())


def core_only():
    """httpcore without httpx."""
    pool = core.ConnectionPool(ssl_context=ssl.create_default_context(cafile=CA), http1=False, http2=True)
    with pool:
        answer = pool.request("GET", URL + "/hello")
        return [answer.status, answer.extensions["http_version"].decode(), answer.content.decode()]


# A server that does what servers should not; it answers /hello and /connection, which tells the connection's number.


def outcome(call, *args, **keywords):
    """Return an answer's text, or the name of the exception."""
    try:
        return call(*args, **keywords).text
    except Exception as error:
        print(repr(error), file=sys.stderr)
        return type(error).__name__


def faults():
    """What each fault does to its request, and which connection the next one gets or how it fails."""
    result = {}
    for path in ("/reset-before", "/reset-amid", "/refused", "/goaway-behind", "/goaway-unseen", "/close-before",
                 "/close-amid", "/close-behind"):
        with httpx.Client(**{**options(5), "timeout": 5}) as client:
            before = client.get("/connection").text
            got = outcome(client.get, path)
            time.sleep(0.1)
            after = outcome(client.get, "/connection")
            result[path] = [got, "same" if after == before else "new" if after.isdigit() else after]
    return result


def shrinks():
    """An upload to a server whose window has shrunk, and one to a server whose window falls below nothing amid it."""
    part = BODY[:300_000]
    digest = hashlib.sha256(part).hexdigest()
    result = []
    for path in ("/shrink-ahead", "/shrink"):
        with httpx.Client(**options()) as client:
            client.get(path)
            got = outcome(client.post, path, content=part)
            result.append("taken" if got == digest else got)
    return result


if __name__ == "__main__":
    for name in SCENARIOS:
        print(json.dumps({name: globals()[name]()}), flush=True)
    print(json.dumps({"engine": engine()}))
