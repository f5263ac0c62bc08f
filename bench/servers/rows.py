"""The rows of WSGI: what each does to a running server, and what is asked of fasth2's worker."""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .. import h2load
from ..h2load import Load, Report
from ..serving import Server
from . import idle, system_calls

MIB = 1 << 20

# What one measurement showed: figure -> value. LOST is there beside the others.
Sample = dict[str, float]
LOST = "lost"


class Pace(NamedTuple):
    """How long things take.

    Attributes:
        seconds: About how long h2load runs for one figure.
        connections: How many stand idle.
        traced: How many requests are sent while strace watches.
    """

    seconds: float
    connections: int
    traced: int


FULL = Pace(2.0, 1000, 10_000)
QUICK = Pace(0.4, 200, 1_000)


class Given(NamedTuple):
    """What a row measures with.

    Attributes:
        server: The server.
        pace: How long to take.
        directory: For files.
        requests: How many requests take ``pace.seconds``; 0 for a row without ``counted``.
    """

    server: Server
    pace: Pace
    directory: Path
    requests: int


class Row(NamedTuple):
    """One row.

    Attributes:
        application: A module of ``bench.servers.applications``.
        measure: Does it.
        counted: Its load, if it sends one; it is sent first to warm up, and to learn how many requests fit the pace.
        repeated: Whether it is measured in every round; what is counted is, to a few parts in a hundred, the same.
        patient: Whether the server is asked to keep idle connections.
        threads: How many threads a server must have for the row to make sense.
    """

    application: str
    measure: Callable[[Given], Sample]
    counted: Load | None = None
    repeated: bool = True
    patient: bool = False
    threads: int = 1


MANY = Load("/", 13, clients=8, streams=10)
EACH_ONE = Load("/", 13, clients=100, streams=1)


def _patience(given: Given) -> float:
    return given.pace.seconds + h2load.PATIENCE


def _sample(report: Report, processor: float) -> Sample:
    """What a run showed, with the processor time of each request in seconds."""
    return {"rate": report.rate, "processor": processor * 1e6, LOST: report.lost}


def counted(application: str, load: Load) -> Row:
    """A row that sends one load: requests a second, and processor time for each in microseconds."""

    def measure(given: Given) -> Sample:
        before = given.server.processor_seconds()
        report = h2load.run(load, given.server, given.requests, _patience(given))
        processor = given.server.processor_seconds() - before
        return _sample(report, processor / report.answered)

    return Row(application, measure, counted=load)


def timed(application: str, load: Load) -> Row:
    """The same for many connections, whose handshakes would be a large part: by time, once all are there."""

    def measure(given: Given) -> Sample:
        seconds, warm_up = given.pace.seconds, 0.5 + given.pace.seconds / 4
        with h2load.running(load, given.server, seconds, warm_up) as reports:
            # What is looked at lies within the time that counts.
            time.sleep(warm_up + seconds / 10)
            start, before = time.monotonic(), given.server.processor_seconds()
            time.sleep(seconds * 0.8)
            processor = given.server.processor_seconds() - before
            busy = processor / (time.monotonic() - start)
        return _sample(reports[0], busy / reports[0].rate)

    return Row(application, measure, counted=load)


# Calls that sleep for 50 ms: 80 at once, or two connections with one after another.
_SLOW = 80
_ALL_SLOW = Load("/slow", 13, clients=8, streams=10)
_SOME_SLOW = Load("/slow", 13, clients=2, streams=1)
_FAST = Load("/", 13, clients=4, streams=10)


def _slow(given: Given) -> Sample:
    """The seconds that 80 slow calls take which arrive together."""
    report = h2load.run(_ALL_SLOW, given.server, _SLOW, _patience(given))
    return {"seconds": report.seconds, LOST: report.lost}


def _mixed(given: Given) -> Sample:
    """The rate of fast calls alone, then beside slow ones."""
    seconds = given.pace.seconds
    warm_up = seconds / 4
    alone = h2load.run_for(_FAST, given.server, seconds, warm_up)
    with h2load.running(_SOME_SLOW, given.server, seconds + 2 * warm_up) as slow:
        beside = h2load.run_for(_FAST, given.server, seconds, warm_up)
    return {
        "alone": alone.rate,
        "beside": beside.rate,
        "kept": beside.rate / alone.rate,
        LOST: sum(report.lost for report in (alone, beside, *slow)),
    }


def memory(given: Given) -> Sample:
    """KiB of memory for each idle connection."""
    return {"memory": idle.octets_per_connection(given.server, given.pace.connections) / 1024, LOST: 0}


def _system_calls(load: Load) -> Row:
    """System calls a request."""

    def measure(given: Given) -> Sample:
        return {**system_calls.per_request(load, given.server, given.pace.traced, given.directory), LOST: 0}

    return Row("plain", measure, repeated=False)


ROWS = {
    "8x10": counted("plain", MANY),
    "1x10": counted("plain", Load("/", 13, clients=1, streams=10)),
    "100x1": timed("plain", EACH_ONE),
    "download": counted("plain", Load("/large", MIB, clients=2, streams=2)),
    "slow": Row("plain", _slow),
    "mixed": Row("plain", _mixed, threads=8),
    "system-calls-8x10": _system_calls(MANY),
    "system-calls-100x1": _system_calls(EACH_ONE),
    "memory": Row("plain", memory, repeated=False, patient=True),
    "flask": counted("flask_hello", MANY),
    "django": counted("django_bare", MANY),
    "startproject": counted("django_startproject", MANY),
}


class Asked(NamedTuple):
    """What is asked of fasth2's worker in one line of the table.

    Attributes:
        of: The peer whose value is multiplied with the factor, None for a value by itself.
        factor: The bound, or what is multiplied.
        most: Whether it is an upper bound.
    """

    of: str | None
    factor: float
    most: bool = False


class Line(NamedTuple):
    """One line of the table.

    Attributes:
        row: The row it comes from.
        figure: The figure of the row's samples.
        title: What it says.
        unit: What it is counted in.
        asked: What is asked.
        scale: What a sample's value is multiplied with.
        drawn: Whether it is in the picture.
    """

    row: str
    figure: str
    title: str
    unit: str
    asked: tuple[Asked, ...] = ()
    scale: float = 1.0
    drawn: bool = False

    @property
    def smaller_is_better(self) -> bool:
        return self.unit not in ("requests/s", "MB/s", "of the rate alone")


def _calls(load: str, title: str) -> list[Line]:
    row = f"system-calls-{load}"
    kinds = [Line(row, kind, f"of them {kind}", "a request") for kind in system_calls.KINDS]
    return [Line(row, "all", f"system calls, {title}", "a request"), *kinds]


LINES = (
    Line("8x10", "rate", "13 bytes, -c 8 -m 10", "requests/s", (Asked("peregrine", 1.6), Asked("granian", 4.5)),
         drawn=True),
    Line("1x10", "rate", "13 bytes, -c 1 -m 10", "requests/s", (Asked("peregrine", 0.9),), drawn=True),
    Line("100x1", "rate", "13 bytes, -c 100 -m 1", "requests/s", (Asked("peregrine", 1),), drawn=True),
    Line("download", "rate", "1 MiB, -c 2 -m 2", "MB/s", (Asked("peregrine", 1),), MIB / 1e6, drawn=True),
    Line("mixed", "alone", "13 bytes, -c 4 -m 10", "requests/s"),
    Line("mixed", "beside", "13 bytes beside slow calls", "requests/s", (Asked("granian-8", 1.4),),
         drawn=True),
    Line("mixed", "kept", "what that keeps of the rate", "of the rate alone", (Asked(None, 0.75),)),
    Line("slow", "seconds", "80 calls of 50 ms", "s", (Asked(None, 0.55, most=True),)),
    Line("8x10", "processor", "13 bytes, -c 8 -m 10", "µs of processor"),
    Line("100x1", "processor", "13 bytes, -c 100 -m 1", "µs of processor"),
    Line("flask", "processor", "Flask", "µs of processor", (Asked("granian", 0.75, most=True),), drawn=True),
    Line("django", "processor", "Django, no middleware", "µs of processor",
         (Asked("granian", 0.75, most=True),), drawn=True),
    Line("startproject", "processor", "Django, startproject", "µs of processor",
         (Asked("granian", 0.85, most=True),), drawn=True),
    Line("flask", "rate", "Flask", "requests/s"),
    Line("django", "rate", "Django, no middleware", "requests/s"),
    Line("startproject", "rate", "Django, startproject", "requests/s"),
    *_calls("8x10", "-c 8 -m 10"),
    *_calls("100x1", "-c 100 -m 1"),
    Line("memory", "memory", "idle connection", "KiB", (Asked(None, 25, most=True),)),
)


def median(samples: list[Sample], figure: str) -> float:
    """The median of a figure."""
    return statistics.median(sample[figure] for sample in samples)
