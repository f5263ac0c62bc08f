"""An ASGI application that shows what a server does with requests and responses."""
import asyncio
import hashlib
import json
from urllib.parse import parse_qs

#: What happened so far: requests by path, octets that send() has taken, how endless responses ended.
counts = {}
sent = 0
endings = []


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    counts[path] = counts.get(path, 0) + 1
    await PATHS.get(path, hello)(scope, receive, send)


async def start(send, status=200, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": list(headers), **more})


async def part(send, body=b"", more_body=False):
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


async def answer(send, value):
    body = json.dumps(value).encode()
    await start(send, headers=[(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))])
    await part(send, body)


async def read(receive):
    """All of the body, and how many messages it came in."""
    body, messages = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RuntimeError("the client left")
        messages += 1
        body.append(message["body"])
        if not message["more_body"]:
            return b"".join(body), messages


async def hello(scope, receive, send):
    await start(send, headers=[(b"content-length", b"13")])
    await part(send, b"Hello, world!")


async def show(scope, receive, send):
    """The scope."""
    await answer(send, {
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "extensions": scope["extensions"],
        "method": scope["method"],
        "query": scope["query_string"].decode("latin-1"),
        "raw_path": scope["raw_path"].decode("latin-1"),
        "scheme": scope["scheme"],
        "http_version": scope["http_version"],
        "client": scope["client"] and scope["client"][0],
        "path": scope["path"],
        "server": scope["server"],
    })


async def digest(scope, receive, send):
    body, _ = await read(receive)
    await answer(send, [len(body), hashlib.sha256(body).hexdigest()])


async def again(scope, receive, send):
    """What receive() gives after the body, before the response: nothing while the client waits."""
    body, _ = await read(receive)
    try:
        message = await asyncio.wait_for(receive(), 0.3)
        more = [message["type"], len(message.get("body", b""))]
    except asyncio.TimeoutError:
        more = None
    await answer(send, [len(body), more])


async def slow_reader(scope, receive, send):
    """Reads with pauses; says how much memory the process came to hold meanwhile, in KiB."""
    await answer_memory(receive, send, pause=0.002)


async def answer_memory(receive, send, pause):
    before = memory()
    size = 0
    while True:
        message = await receive()
        size += len(message["body"])
        if not message["more_body"]:
            break
        await asyncio.sleep(pause)
    await answer(send, [size, memory() - before])


def memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


async def parts(scope, receive, send):
    """Ends with an empty part."""
    await start(send)
    await part(send, b"one ", True)
    await part(send, b"two", True)
    await part(send)


async def nothing(scope, receive, send):
    await start(send)
    await part(send)


async def ticks(scope, receive, send):
    """A part each time the client sends one, so that a test needs no clock."""
    await start(send)
    while True:
        message = await receive()
        await part(send, b"tick " + message["body"], True)
        if not message["more_body"]:
            break
    await part(send)


async def big(scope, receive, send):
    size = int(scope["query_string"] or 1 << 20)
    await start(send, headers=[(b"content-length", b"%d" % size)])
    await part(send, bytes(range(256)) * (size // 256))


async def flood(scope, receive, send):
    """128 MiB in parts; counts what send() took."""
    global sent
    sent = 0
    await start(send)
    for _ in range(2048):
        await part(send, bytes(65536), True)
        sent += 65536
    await part(send)


async def endless(scope, receive, send):
    """Parts until send() or receive() says that the client has gone; remembers which."""
    await start(send)
    try:
        while True:
            await part(send, b"x" * 1000, True)
            await asyncio.sleep(0.02)
    except OSError:
        endings.append("OSError")
        raise


async def listens(scope, receive, send):
    """Waits for the client to go."""
    await read(receive)
    message = await receive()
    endings.append(message["type"])


async def seen(scope, receive, send):
    await answer(send, {"counts": counts, "sent": sent, "endings": endings})


async def counted(scope, receive, send):
    """fasth2's counters in this process."""
    from fasth2.gunicorn import counters
    await answer(send, counters())


async def hints(scope, receive, send):
    for number in (b"1", b"2"):
        await send({"type": "http.response.informational", "status": 103, "headers": [(b"link", b"</" + number + b">")]})
    await hello(scope, receive, send)


async def trailers(scope, receive, send):
    body, _ = await read(receive)
    await start(send, headers=[(b"trailer", b"x-sum")], trailers=True)
    await part(send, b"body" * 10000)
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"%d" % len(body))]})


async def status(scope, receive, send):
    """204 and 304 with a body that must not leave."""
    await start(send, int(scope["query_string"]), [(b"etag", b'"1"')])
    await part(send, b"body")


async def waits(scope, receive, send):
    """Answers half a second later."""
    await asyncio.sleep(0.5)
    await hello(scope, receive, send)


async def fails(scope, receive, send):
    raise ValueError("on purpose")


async def fails_late(scope, receive, send):
    await start(send)
    await part(send, b"beginning", True)
    raise ValueError("on purpose")


async def silent(scope, receive, send):
    pass


async def said(scope, receive, send):
    """Parts of a body, with fields of its own: ``?length=...&parts=...&status=...``, lengths and parts by comma."""
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    fields = [(b"content-length", each.encode()) for each in asked.get("lengths", "").split(",") if each]
    fields += [(b"Date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"sErver", b"mine")] if "dated" in asked else []
    await start(send, int(asked.get("status", 200)), fields)
    sizes = [int(size) for size in asked.get("parts", "").split(",") if size]
    for size in sizes[:-1]:
        await part(send, b"x" * size, True)
    for size in sizes[-1:]:
        await part(send, b"x" * size)


async def torrent(scope, receive, send):
    """Parts without end and without a pause, of a size."""
    await start(send)
    data = bytes(int(scope["query_string"]))
    try:
        while True:
            await part(send, data, True)
    finally:
        endings.append("torrent")


async def reads(scope, receive, send):
    """Raises what is no OSError where the body is broken off, as frameworks do."""
    await read(receive)
    await hello(scope, receive, send)


PATHS = {f"/{each.__name__}": each for each in (
    show, digest, again, slow_reader, parts, nothing, ticks, big, flood, endless, listens, seen, counted, hints, trailers, status,
    waits, fails, fails_late, silent, said, torrent, reads,
)}
PATHS["/caf\xe9 \u20ac"] = show
