"""A plugin of pytest for Starlette's own tests: their client asks a server over HTTP/2 instead of calling the application.

The server is uvicorn with fasth2's protocol on a Unix socket, in a thread. WebSockets and the lifespan stay the client's.
"""
import pathlib
import shutil
import tempfile
import threading
import time

import httpx2 as httpx
import uvicorn
from starlette import testclient

from fasth2.uvicorn import H2Protocol

Transport = testclient._TestClientTransport
call_in_memory = Transport.handle_request

#: The servers of the test that runs.
servers = {}

#: Requests that a server has answered.
asked = 0


class Live:
    """A server with the application of a client's transport."""

    def __init__(self, transport):
        self.transport = transport
        self.error = None
        self.request = None
        self.ended = threading.Event()
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.socket = str(self.directory / "socket")
        self.server = uvicorn.Server(uvicorn.Config(
            self.app, interface="asgi3", uds=self.socket, http=H2Protocol, lifespan="off", log_level="critical", access_log=False,
            proxy_headers=False, server_header=False, date_header=False, ws="none"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.001)
        self.http = httpx.HTTPTransport(http1=False, http2=True, uds=self.socket)

    async def app(self, scope, receive, send):
        url = self.request.url
        # What the tests expect of the address that they ask for, which is no socket's.
        scope["scheme"], scope["client"] = url.scheme, self.transport.client
        scope["server"] = url.host, url.port or {"http": 80, "https": 443}[url.scheme]
        scope["root_path"] = self.transport.root_path
        scope["state"] = self.transport.app_state.copy()
        try:
            await self.transport.app(scope, receive, send)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.ended.set()

    def handle(self, request):
        global asked
        self.request, self.error, body, failure = request, None, b"", None
        self.ended.clear()
        sent = httpx.Request(request.method, request.url.copy_with(scheme="http"), headers=request.headers,
                             stream=request.stream)
        try:
            response = self.http.handle_request(sent)
            body = b"".join(response.stream)
        except httpx.HTTPError as error:
            failure = error
        # The client that calls the application returns after it, background tasks included.
        self.ended.wait(0 if failure else 5)
        if self.error is not None and self.transport.raise_server_exceptions:
            raise self.error
        if failure is not None:
            raise failure
        asked += 1
        return httpx.Response(response.status_code, headers=response.headers.raw, stream=httpx.ByteStream(body), request=request)

    def close(self):
        self.http.close()
        self.server.should_exit = True
        self.thread.join(20)
        shutil.rmtree(self.directory)


def handle_request(transport, request):
    """Ask the transport's server, which begins with the first request."""
    if request.url.scheme in ("ws", "wss"):
        return call_in_memory(transport, request)
    live = servers.get(transport)
    if live is None:
        live = servers[transport] = Live(transport)
    return live.handle(request)


Transport.handle_request = handle_request


def pytest_runtest_teardown():
    """End the servers of a test."""
    while servers:
        servers.popitem()[1].close()


def pytest_sessionfinish():
    print(f"\n{asked} requests over HTTP/2")
