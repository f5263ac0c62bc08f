"""Print what idle connections and streams take: ``python -m bench.memory [--connections N]``.

Engines and sessions, without sockets: octets of a connection that is idle after one GET, and of an open stream, by malloc's
own count (everything, with its overhead) and by tracemalloc (Python's objects). Each is measured in an interpreter of its
own. Servers: by how much the resident memory of all processes grows for each connection over TLS that is idle after one
GET, TLS included. Peers that are not installed are left out.
"""
from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import serving
from .servers.idle import octets_per_connection

ROOT = Path(__file__).resolve().parent.parent
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000" "000000040100000000")
ANSWER = [(":status", "200"), ("content-type", "text/plain")]

#: What is asked for at most, in KiB: an idle connection without its socket, a stream, an idle connection over TLS.
LEAST = {"connection": 10, "stream": 1, "resident": 25}


def request(stream_id: int, ends: bool) -> bytes:
    block = b"\x82\x87\x84\x01\x09127.0.0.1" if ends else b"\x83\x87\x84\x01\x09127.0.0.1"
    return len(block).to_bytes(3, "big") + bytes((1, 5 if ends else 4)) + stream_id.to_bytes(4, "big") + block


class Transport:
    """Takes what is written and forgets it."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


def by_calls(package: str) -> Any:
    """A connection of h2's calls."""
    config = importlib.import_module(f"{package}.config").H2Configuration(client_side=False)
    connection = importlib.import_module(f"{package}.connection").H2Connection(config)
    connection.initiate_connection()
    connection.receive_data(PREFACE)
    connection.data_to_send()
    return connection


def connection_by_calls(package: str) -> Callable[[], Any]:
    def make() -> Any:
        connection = by_calls(package)
        connection.receive_data(request(1, True))
        connection.send_headers(1, ANSWER)
        connection.send_data(1, b"Hello, world!", end_stream=True)
        connection.data_to_send()
        return connection

    return make


def stream_by_calls(package: str) -> Callable[[], Any]:
    """Streams of connections that have ninety."""
    state: list[Any] = [None, 181]

    def make() -> Any:
        if state[1] > 180:
            state[:] = by_calls(package), 1
        connection, stream_id = state
        connection.receive_data(request(stream_id, False))
        connection.data_to_send()
        state[1] += 2
        return connection

    return make


def session_of_asgi() -> Callable[[], Any]:
    import asyncio
    import types

    from fasth2.asgi.scope import ScopeMaker
    from fasth2.asgi.service import Service
    from fasth2.asgi.session import Session
    from fasth2.asgi.settings import ASGISettings
    from fasth2.limits import Limits
    from fasth2.server._options import Options
    from fasth2.windows import AdaptiveWindows

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Hello, world!"})

    loop = asyncio.new_event_loop()
    limits = Limits()
    options = Options(None, None, limits, 65535, 100, 16384, 65536, header_encoding=None,
                      adaptive_windows=AdaptiveWindows(), credits_on_arrival=True, full_window_wait=1.0)
    host = types.SimpleNamespace(report=print, refused=print, connection_failed=print)
    service = Service(app, loop, host, options, ASGISettings(), asgi={"version": "3.0", "spec_version": "2.3"},
                      server_state=types.SimpleNamespace(default_headers=[], total_requests=0), tasks=set(),
                      connections=set())

    async def turn(session: Any) -> None:
        session.feed(PREFACE + request(1, True))
        for _ in range(5):
            await asyncio.sleep(0)

    async def begin() -> Any:
        maker = ScopeMaker(service.scope, ("127.0.0.1", 8000), ("192.0.2.1", 5000), "https", {})
        session = Session(service, Transport(), maker)
        await turn(session)
        assert session.idle
        return session

    return lambda: loop.run_until_complete(begin())


MAKERS: dict[str, tuple[str, Callable[[], Callable[[], Any]]]] = {
    "fasth2, h2's calls": ("connection", lambda: connection_by_calls("fasth2")),
    "fasth2, session of the ASGI server": ("connection", session_of_asgi),
    "h2": ("connection", lambda: connection_by_calls("h2")),
    "fasth2, a stream": ("stream", lambda: stream_by_calls("fasth2")),
    "h2, a stream": ("stream", lambda: stream_by_calls("h2")),
}


class _MallocInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


def in_use() -> int:
    info = ctypes.CDLL(None).mallinfo2
    info.restype = _MallocInfo
    now = info()
    return int(now.uordblks + now.hblkhd)


def measure(name: str, meter: str) -> float:
    """Octets for each of 450 things."""
    make = MAKERS[name][1]()
    kept = [make() for _ in range(90)]
    if meter == "tracemalloc":
        tracemalloc.start()
    count = (lambda: tracemalloc.get_traced_memory()[0]) if meter == "tracemalloc" else in_use
    before = count()
    kept += [make() for _ in range(450)]
    return (count() - before) / 450


def alone(name: str, meter: str) -> float:
    """`measure` in a new interpreter, whose objects all come from malloc if that is asked."""
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    if meter == "malloc":
        environment["PYTHONMALLOC"] = "malloc"
    done = subprocess.run([sys.executable, "-m", "bench.memory", "--one", name, meter], cwd=ROOT, env=environment,
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def commands(certificate: serving.Certificate) -> Iterator[tuple[str, str, Callable[[int], list[str]]]]:
    """Name, package, and what starts a server on a port."""
    files = ["--certfile", str(certificate.chain), "--keyfile", str(certificate.key)]

    def gunicorn(worker: str, asgi: bool = False) -> Callable[[int], list[str]]:
        return lambda port: [
            sys.executable, "-m", "gunicorn", "-k", worker, "--http-protocols", "h2,h1", "--keep-alive", "300",
            "--worker-connections", "4000", "--log-level", "warning", "--bind", f"{serving.HOST}:{port}", *files,
            *(["--threads", "8"] if not asgi else []), f"bench.memory:{'asgi' if asgi else 'wsgi'}"]

    for name, asgi in (("WSGIWorker", False), ("gthread", False), ("gevent", False), ("asgi", True)):
        yield f"gunicorn, fasth2.gunicorn.{name}", "gunicorn", gunicorn(f"fasth2.gunicorn.{name}", asgi)
    yield "uvicorn, fasth2.uvicorn.H2Protocol", "uvicorn", lambda port: [
        sys.executable, "-m", "uvicorn", "bench.memory:asgi", "--http", "fasth2.uvicorn:H2Protocol", "--port", str(port),
        "--ssl-certfile", str(certificate.chain), "--ssl-keyfile", str(certificate.key), "--timeout-keep-alive", "300",
        "--log-level", "warning"]
    yield "gunicorn, asgi on h2", "gunicorn", gunicorn("asgi", True)
    yield "gunicorn, gevent on h2", "gunicorn", gunicorn("gevent")
    yield "hypercorn", "hypercorn", lambda port: [
        sys.executable, "-m", "hypercorn", "bench.memory:asgi", "--bind", f"{serving.HOST}:{port}", "--keep-alive", "300",
        *files]


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Hello, for the servers."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello, world!"]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Hello, for the servers."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


def verdict(name: str, kind: str, kib: float) -> str:
    """Whether what is fasth2's is below what is asked for."""
    if "fasth2" not in name:
        return ""
    return f"  below {LEAST[kind]}" if kib < LEAST[kind] else f"  NOT below {LEAST[kind]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connections", type=int, default=500, help="idle connections of each server")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(measure(*given.one))
        return 0
    over = False
    print(f"{'KiB without a socket':<42}{'malloc':>9}{'tracemalloc':>13}")
    for name, (kind, _) in MAKERS.items():
        if name.startswith("h2") and importlib.util.find_spec("h2") is None:
            continue
        by_malloc, traced = (alone(name, meter) / 1024 for meter in ("malloc", "tracemalloc"))
        told = verdict(name, kind, by_malloc)
        over = over or "NOT" in told
        print(f"{name:<42}{by_malloc:>9.2f}{traced:>13.2f}{told}")
    print(f"\n{'KiB resident, an idle connection over TLS':<42}")
    with tempfile.TemporaryDirectory() as folder:
        certificate = serving.issue_certificate(Path(folder))
        for name, package, command in commands(certificate):
            if importlib.util.find_spec(package) is None:
                continue
            port = serving.free_port()
            try:
                with serving.serving("server", command(port), port, Path(folder), cwd=ROOT) as server:
                    resident = octets_per_connection(server, given.connections) / 1024
            except serving.Failed as error:
                print(f"{name:<42}    fails: {str(error).splitlines()[-1][:100]}")
                continue
            told = verdict(name, "resident", resident)
            over = over or "NOT" in told
            print(f"{name:<42}{resident:>9.1f}{told}")
    return over


if __name__ == "__main__":
    sys.exit(main())
