"""The ASGI application that the tests' servers run: a few of `wsgi_app`'s paths."""
import hashlib
import json
import sys


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/about":
        body = about(scope)
    elif scope["path"] == "/digest":
        body = hashlib.sha256(body).hexdigest().encode()
    elif scope["path"] == "/hello":
        body = b"Hello, world!"
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def about(scope):
    """What the application sees, as JSON."""
    from fasth2.gunicorn import counters, status

    version = "2.0" if scope["http_version"] == "2" else scope["http_version"]
    seen = {
        "SERVER_PROTOCOL": f"HTTP/{version}",
        "loaded": sorted({"h2", "hpack", "hyperframe"} & {name for name, m in sys.modules.items() if m is not None}),
        "status": vars(status()),
        "counters": counters(),
    }
    return json.dumps(seen).encode()
