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
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from . import h2load
from .serving import HOST, Certificate, Failed, Server, free_port, issue_certificate, serving

MIB = 1 << 20

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
    "gthread": Worker("gthread", "fasth2.gunicorn.gthread", ("--threads", "8"), "application"),
    "gevent": Worker("gevent", "fasth2.gunicorn.gevent", (), "application"),
    "asgi": Worker("asgi", "fasth2.gunicorn.asgi", ("--asgi-lifespan", "off"), "asynchronous"),
}

# Way in -> whether it is fasth2's worker class, the content of its configuration file.
WAYS = {
    "stock": (False, ""),
    "install": (False, "import fasth2.gunicorn\n\nfasth2.gunicorn.install()\n"),
    "worker": (True, ""),
}


class Row(NamedTuple):
    """One call of h2load.

    Attributes:
        title: What a reader of the table sees, before connections and streams.
        path: What is asked for.
        octets: The length of each answer.
        requests: How many are sent.
        clients: Connections.
        streams: Concurrent streams of each.
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


ROWS = (
    Row("13 bytes", "/", 13, 8_000, 1, 10),
    Row("13 bytes", "/", 13, 8_000, 8, 10),
    Row("13 bytes", "/", 13, 4_000, 100, 1),
    Row("download 1 MiB", "/large", MIB, 200, 1, 2),
    Row("download 1 MiB", "/large", MIB, 200, 8, 2),
    Row("upload 1 MiB", "/", 13, 100, 1, 1, MIB),
    Row("upload 1 MiB", "/", 13, 100, 8, 1, MIB),
)

# How many requests a quick run sends, of those above.
QUICK = 8

# What is asked of the worker class and of install(), against stock: requests, downloads.
LEAST = {"worker": (2.2, 3.0), "install": (1.7, None)}


class Sample(NamedTuple):
    """What one run of h2load showed.

    Attributes:
        rate: Requests a second, or MB a second for large bodies.
        microseconds: Processor time of the worker for each request.
    """

    rate: float
    microseconds: float


def _server(
    worker: Worker, way: str, certificate: Certificate, directory: Path
) -> contextlib.AbstractContextManager[Server]:
    """Serve one way in."""
    own, configuration = WAYS[way]
    name, port = f"{worker.stock}_{way}", free_port()
    config_path = directory / f"{name}_conf.py"
    config_path.write_text(configuration)
    command = [
        sys.executable, "-m", "gunicorn", "-k", worker.ours if own else worker.stock, *worker.options,
        "-c", config_path, "--chdir", directory, "--workers", "1", "--log-level", "warning",
        "--certfile", certificate.chain, "--keyfile", certificate.key,
        "--http-protocols", "h2,h1", "--bind", f"{HOST}:{port}", f"application:{worker.application}",
    ]
    return serving(name, command, port, directory)


def _sample(row: Row, server: Server, directory: Path) -> Sample:
    """Run h2load once."""
    body = None
    if row.upload:
        body = directory / f"body_{row.upload}"
        body.write_bytes(bytes(row.upload))
    before = server.processor_seconds()
    report = h2load.run(h2load.Load(row.path, row.octets, row.clients, row.streams, body), server, row.requests)
    spent = server.processor_seconds() - before
    if report.lost:
        raise Failed(f"{row.label}: {report.lost} requests of {row.requests} did not succeed")
    return Sample(report.rate * (row.megabytes or 1), spent / report.answered * 1e6)


def measure(
    worker: Worker, ways: list[str], rows: list[Row], rounds: int
) -> dict[Row, dict[str, list[Sample]]]:
    """Start every way in and load them in turn.

    Args:
        worker: The worker.
        ways: Names of ``WAYS``.
        rows: What is sent.
        rounds: How often each row is run with to each.

    Returns:
        For each row and way the sample of every round.

    Raises:
        Failed: A server did not start, or a request failed.
    """
    samples: dict[Row, dict[str, list[Sample]]] = {row: {way: [] for way in ways} for row in rows}
    with tempfile.TemporaryDirectory(prefix="fasth2-e2e-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        (directory / "application.py").write_text(APPLICATION)
        certificate = issue_certificate(directory)
        servers = {way: stack.enter_context(_server(worker, way, certificate, directory)) for way in ways}
        for number in range(rounds):
            first = number % len(ways)
            for row in rows:
                for way in ways[first:] + ways[:first]:
                    samples[row][way].append(_sample(row, servers[way], directory))
    return samples


def _cell(way: str, row: Row, samples: dict[str, list[Sample]]) -> str:
    microseconds = statistics.median(sample.microseconds for sample in samples[way])
    shown = f"{statistics.median(sample.rate for sample in samples[way]):,.0f}, {microseconds:,.0f} µs"
    if way == "stock" or "stock" not in samples:
        return shown
    pairs = zip(samples[way], samples["stock"], strict=True)
    ratio = statistics.median(mine.rate / stock.rate for mine, stock in pairs)
    least = None if row.upload or row.clients > 8 else LEAST[way][row.octets >= MIB]
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
    rows = [row._replace(requests=max(row.requests // QUICK, row.clients * row.streams)) if options.quick else row
            for row in ROWS]
    print("Requests a second (1 MiB: MB a second) and the worker's processor time for each request: medians.")
    print("Ratios of the rates: medians over the rounds; in brackets what is asked at least.")
    for name in options.workers:
        samples = measure(WORKERS[name], options.ways, rows, rounds)
        print("\n|", " | ".join([name, *options.ways]), "|")
        print("| --- |" + " ---: |" * len(options.ways))
        for row, of_row in samples.items():
            print("|", " | ".join([row.label, *(_cell(way, row, of_row) for way in options.ways)]), "|", flush=True)
    print("\nEvery request of every run succeeded.")


if __name__ == "__main__":
    main()
