"""mitmproxy's addon: it tells of its process, marks every flow, and changes the text of an answer."""
import json

from mitmproxy.proxy.layers.http import _http2 as _http2  # what imports h2

from tests.programs.asgi_app import engine


def running():
    """mitmproxy has started."""
    print("engine", json.dumps(engine()), flush=True)


def requestheaders(flow):
    """Called before the body of a request is passed on."""
    flow.request.headers["x-through"] = "mitmproxy"


def responseheaders(flow):
    """Called before the body of a response is passed on."""
    flow.response.headers["x-versions"] = f"{flow.request.http_version} {flow.response.http_version}"


def response(flow):
    """Called with a whole response, where it is not streamed."""
    if flow.request.path == "/hello":
        flow.response.text = flow.response.text.replace("world", "proxy")
