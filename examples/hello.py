"""A small WSGI application: says hello, and echoes what is posted."""


def app(environ, start_response):
    """Answer a POST with its body, anything else with a line that names the protocol."""
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read()
        kind = environ.get("CONTENT_TYPE") or "application/octet-stream"
    else:
        body = f"Hello over {environ['SERVER_PROTOCOL']}: {environ['PATH_INFO']}\n".encode()
        kind = "text/plain; charset=utf-8"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
