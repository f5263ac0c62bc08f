"""gunicorn with and without fasth2, over TLS, under h2load.

usage: python -m bench.e2e [--quick] [--rounds N] [--workers NAME ...] [--ways NAME ...]

For each of gunicorn's workers, one process (with 8 threads where it has threads) serves
each way in; all ways stand at once and h2load calls them in turn, so that what disturbs
the machine disturbs each alike. Every answer counts: a run with a failed request, another
status than 200 or other bytes than expected ends the benchmark.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import trustme

MIB = 1 << 20
HOST = "127.0.0.1"
# How long a server may take to start or stop, and h2load to finish, in seconds.
PATIENCE = 20
LOAD_PATIENCE = 120

APPLICATION = f"""\
SMALL, LARGE = b"Hello, World!", bytes({MIB})


def headers(body):
    return [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]


def application(environ, start_response):
    body = LARGE if environ["PATH_INFO"] == "/large" else SMALL
    if environ["REQUEST_METHOD"] == "POST":
        while environ["wsgi.input"].read(65536):
            pass
    start_response("200 OK", headers(body))
    return [body]


async def asynchronous(scope, receive, send):
    body = LARGE if scope["path"] == "/large" else SMALL
    while (await receive()).get("more_body"):
        pass
    await send({{"type": "http.response.start", "status": 200,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers(body)]}})
    await send({{"type": "http.response.body", "body": body}})
"""


class Worker(NamedTuple):
    """One of gunicorn's workers.

    Attributes:
        stock: gunicorn's name for it.
        ours: fasth2's class.
        options: More options.
        application: The name of what it runs.
    """

    stock: str
    ours: str
    options: tuple[str, ...]
    application: str


WORKERS = {
    "gthread": Worker("gthread", "fasth2.gunicorn.ThreadWorker", ("--threads", "8"), "application"),
    "gevent": Worker("gevent", "fasth2.gunicorn.GeventWorker", (), "application"),
    "asgi": Worker("asgi", "fasth2.gunicorn.ASGIWorker", ("--asgi-lifespan", "off"), "asynchronous"),
}

# Way in -> whether it is fasth2's worker class, the content of its configuration file.
WAYS = {
    "stock": (False, ""),
    "install": (False, "import fasth2.gunicorn\n\nfasth2.gunicorn.install()\n"),
    "worker": (True, ""),
}


class Load(NamedTuple):
    """One call of h2load.

    Attributes:
        title: What a reader of the table sees, before connections and streams.
        path: What is asked for.
        octets: The length of each answer.
        requests: How many are sent.
        clients: Connections (``-c``).
        streams: Concurrent streams of each (``-m``).
        upload: Octets of each request's body.
    """

    title: str
    path: str
    octets: int
    requests: int
    clients: int
    streams: int
    upload: int = 0

    @property
    def megabytes(self) -> float:
        """MB of body a request, 0 for the small ones: the unit of its rate."""
        return max(self.upload, self.octets if self.octets >= MIB else 0) / 1e6

    @property
    def label(self) -> str:
        return f"{self.title} -c {self.clients} -m {self.streams}"


LOADS = (
    Load("13 bytes", "/", 13, 8_000, 1, 10),
    Load("13 bytes", "/", 13, 8_000, 8, 10),
    Load("13 bytes", "/", 13, 4_000, 100, 1),
    Load("download 1 MiB", "/large", MIB, 200, 1, 2),
    Load("download 1 MiB", "/large", MIB, 200, 8, 2),
    Load("upload 1 MiB", "/", 13, 100, 1, 1, MIB),
    Load("upload 1 MiB", "/", 13, 100, 8, 1, MIB),
)

# How many requests a quick run sends, of those above.
QUICK = 8

# What is asked of the worker class and of install(), against stock: requests, downloads.
LEAST = {"worker": (2.2, 3.0), "install": (1.7, None)}


class Server(NamedTuple):
    """A running gunicorn.

    Attributes:
        port: Where it listens.
        worker: The process id of its one worker.
    """

    port: int
    worker: int

    def processor_seconds(self) -> float:
        """Processor time that the worker has used."""
        # utime and stime are fields 14 and 15; the second may hold spaces, in brackets.
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """What one run of h2load showed.

    Attributes:
        rate: Requests a second, or MB a second for large bodies.
        microseconds: Processor time of the worker for each request.
    """

    rate: float
    microseconds: float


class Failed(Exception):
    """A server did not start, or a load did not succeed whole."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _answers_h2(port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((HOST, port), timeout=1) as plain, context.wrap_socket(plain) as secure:
            return secure.selected_alpn_protocol() == "h2"
    except OSError:
        return False


@contextlib.contextmanager
def _server(worker: Worker, way: str, directory: Path) -> Iterator[Server]:
    """Serve one way in; stop it at the end."""
    own, configuration = WAYS[way]
    port = _free_port()
    config_path = directory / f"{worker.stock}_{way}_conf.py"
    config_path.write_text(configuration)
    with open(directory / f"{worker.stock}_{way}.log", "w+") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "-k", worker.ours if own else worker.stock, *worker.options,
                "-c", config_path, "--chdir", directory, "--workers", "1", "--log-level", "warning",
                "--certfile", directory / "cert.pem", "--keyfile", directory / "key.pem",
                "--http-protocols", "h2,h1", "--bind", f"{HOST}:{port}", f"application:{worker.application}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers_h2(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise Failed(f"{worker.stock}, {way}: the server does not answer HTTP/2\n{log.read()}")
                time.sleep(0.1)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if len(children) != 1:
                raise Failed(f"{worker.stock}, {way}: {len(children)} workers instead of one")
            yield Server(port, int(children[0]))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _number(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise Failed(f"h2load's output lacks {pattern!r}:\n{output}")
    return float(found[1])


def _load(load: Load, server: Server, directory: Path) -> Sample:
    """Run h2load once."""
    body = []
    if load.upload:
        file = directory / f"body_{load.upload}"
        if not file.exists():
            file.write_bytes(bytes(load.upload))
        body = ["-d", file]
    before = server.processor_seconds()
    ran = subprocess.run(
        [
            "h2load", "-n", str(load.requests), "-c", str(load.clients), "-m", str(load.streams), *body,
            f"https://{HOST}:{server.port}{load.path}",
        ],
        capture_output=True,
        text=True,
        timeout=LOAD_PATIENCE,
        check=True,
    )
    spent = server.processor_seconds() - before
    output = ran.stdout
    if (
        _number(r"(\d+) succeeded", output) != load.requests
        or _number(r"(\d+) failed", output)
        or _number(r"status codes: (\d+) 2xx", output) != load.requests
        or _number(r"\((\d+)\) data", output) != load.requests * load.octets
    ):
        raise Failed(f"{load.label}: not every request succeeded\n{output}")
    rate = _number(r"([\d.]+) req/s", output)
    return Sample(rate * (load.megabytes or 1), spent / load.requests * 1e6)


def measure(
    worker: Worker, ways: list[str], loads: list[Load], rounds: int
) -> dict[Load, dict[str, list[Sample]]]:
    """Start every way in and load them in turn.

    Args:
        worker: The worker.
        ways: Names of ``WAYS``.
        loads: What is sent.
        rounds: How often each load is given to each.

    Returns:
        For each load and way the sample of every round.

    Raises:
        Failed: A server did not start, or a request failed.
    """
    samples: dict[Load, dict[str, list[Sample]]] = {load: {way: [] for way in ways} for load in loads}
    with tempfile.TemporaryDirectory(prefix="fasth2-e2e-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        (directory / "application.py").write_text(APPLICATION)
        issued = trustme.CA().issue_cert(HOST, "localhost")
        issued.private_key_pem.write_to_path(directory / "key.pem")
        issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
        servers = {way: stack.enter_context(_server(worker, way, directory)) for way in ways}
        for number in range(rounds):
            first = number % len(ways)
            for load in loads:
                for way in ways[first:] + ways[:first]:
                    samples[load][way].append(_load(load, servers[way], directory))
    return samples


def _cell(way: str, load: Load, samples: dict[str, list[Sample]]) -> str:
    microseconds = statistics.median(sample.microseconds for sample in samples[way])
    shown = f"{statistics.median(sample.rate for sample in samples[way]):,.0f}, {microseconds:,.0f} µs"
    if way == "stock" or "stock" not in samples:
        return shown
    pairs = zip(samples[way], samples["stock"], strict=True)
    ratio = statistics.median(mine.rate / stock.rate for mine, stock in pairs)
    least = None if load.upload or load.clients > 8 else LEAST[way][load.octets >= MIB]
    if least is None:
        return f"{shown}, {ratio:.2f}×"
    return f"{shown}, {ratio:.2f}× ({least:g}){' !!' if ratio < least else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.e2e", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"a {QUICK}th of the requests, two rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--workers", nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    # h2load wants a request for each stream at least.
    loads = [load._replace(requests=max(load.requests // QUICK, load.clients * load.streams)) if options.quick else load
             for load in LOADS]
    print("Requests a second (1 MiB: MB a second) and the worker's processor time for each request: medians.")
    print("Ratios of the rates: medians over the rounds; in brackets what is asked at least.")
    for name in options.workers:
        samples = measure(WORKERS[name], options.ways, loads, rounds)
        print("\n|", " | ".join([name, *options.ways]), "|")
        print("| --- |" + " ---: |" * len(options.ways))
        for load, of_load in samples.items():
            print("|", " | ".join([load.label, *(_cell(way, load, of_load) for way in options.ways)]), "|", flush=True)
    print("\nEvery request of every run succeeded.")


if __name__ == "__main__":
    main()
