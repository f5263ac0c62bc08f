"""Applications that say who they were told their client is, as JSON."""
import json

KEYS = ("REMOTE_ADDR", "REMOTE_PORT", "PROXY_PROTOCOL", "PROXY_ADDR", "PROXY_PORT", "wsgi.url_scheme", "SERVER_PROTOCOL")


def app(environ, start_response):
    body = json.dumps({key: environ.get(key) for key in KEYS}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    address, port = scope["client"] or ("", None)
    body = json.dumps({"REMOTE_ADDR": address, "REMOTE_PORT": port and str(port), "wsgi.url_scheme": scope["scheme"],
                       "SERVER_PROTOCOL": "HTTP/" + scope["http_version"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
