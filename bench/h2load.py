"""One run of h2load, and whether every request was answered."""
from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .serving import Failed, Server

# How long a run may take beyond what was planned for it, in seconds.
PATIENCE = 20


class Load(NamedTuple):
    """What h2load sends.

    Attributes:
        path: What is asked for.
        octets: The length of each answer.
        clients: Connections (``-c``).
        streams: Concurrent streams of each (``-m``).
        upload: A file that is each request's body.
        fields: Fields of each request beside h2load's own.
    """

    path: str
    octets: int
    clients: int
    streams: int
    upload: Path | None = None
    fields: tuple[tuple[bytes, bytes], ...] = ()

    def __str__(self) -> str:
        return f"{self.path} -c {self.clients} -m {self.streams}"


class Report(NamedTuple):
    """What one run showed.

    Attributes:
        answered: Requests that got status 200 to 299.
        lost: The others.
        seconds: From the first connection to the last answer; of a run by time, the time.
        cipher: The TLS cipher suite agreed on.
    """

    answered: int
    lost: int
    seconds: float
    cipher: str

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.answered / self.seconds


_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def _found(pattern: str, output: str) -> re.Match:
    found = re.search(pattern, output)
    if found is None:
        raise Failed(f"h2load's output lacks {pattern!r}:\n{output}")
    return found


def _seconds(text: str) -> float:
    """The seconds of h2load's "850.72ms" and "1m3.50s"."""
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(us|ms|s|m)", text))


def parse(output: str, octets: int, by_time: bool = False) -> Report:
    """Read what h2load printed.

    Args:
        output: Its standard output.
        octets: The length that each answer must have.
        by_time: It was a run by time: what its end cut off is not lost, and octets are not comparable with answers.

    Returns:
        The run.

    Raises:
        Failed: It isn't h2load's output, or answers had another length.
    """
    counts = _found(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded", output)
    total, done, succeeded = map(int, counts.groups())
    good, *bad = map(int, _found(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output).groups())
    # Where the time starts between the headers and the body of an answer, h2load counts it but not its status.
    answered = succeeded - sum(bad) if by_time else min(succeeded, good)
    lost = (done if by_time else total) - answered
    data = int(_found(r"\((\d+)\) data", output)[1])
    if not by_time and (data < answered * octets or (data > answered * octets and not lost)):
        raise Failed(f"{data} octets in {answered} answers of {octets}\n{output}")
    cipher = re.search(r"Cipher: (\S+)", output)
    return Report(answered, lost, _seconds(_found(r"finished in (\S+),", output)[1]), cipher[1] if cipher else "")


def _command(load: Load, server: Server, amount: Sequence[str]) -> list[str]:
    upload = ["-d", str(load.upload)] if load.upload else []
    clients = ["-c", str(load.clients), "-m", str(load.streams)]
    fields = [option for name, value in load.fields for option in ("-H", f"{name.decode()}: {value.decode()}")]
    return ["h2load", *amount, *clients, *upload, *fields, server.url(load.path)]


def _finish(process: subprocess.Popen, load: Load, patience: float, seconds: float | None = None) -> Report:
    try:
        output, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{load}: not answered within {patience:g} s") from None
    if process.returncode:
        raise Failed(f"{load}: h2load failed\n{output}{errors}")
    report = parse(output, load.octets, by_time=seconds is not None)
    if not report.answered:
        raise Failed(f"{load}: no request succeeded\n{output}")
    # Of a run by time h2load's own figure counts the time to warm up as well.
    return report if seconds is None else report._replace(seconds=seconds)


def _start(load: Load, server: Server, amount: Sequence[str]) -> subprocess.Popen:
    return subprocess.Popen(
        _command(load, server, amount), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _duration(option: str, seconds: float) -> list[str]:
    return [option, f"{seconds * 1000:.0f}ms"]


def run(load: Load, server: Server, requests: int, patience: float = 3 * PATIENCE) -> Report:
    """Send a number of requests.

    Args:
        load: What is sent.
        server: To whom.
        requests: How many; h2load wants one for each stream at least.
        patience: After how many seconds to give up.

    Returns:
        The run.

    Raises:
        Failed: h2load did not end in time, or failed.
    """
    requests = max(requests, load.clients * load.streams)
    return _finish(_start(load, server, ["-n", str(requests)]), load, patience)


@contextlib.contextmanager
def running(load: Load, server: Server, seconds: float, warm_up: float = 0) -> Iterator[list[Report]]:
    """Send requests for a time while the block runs, after a time that does not count.

    Yields:
        A list that has the run once the block has ended.

    Raises:
        Failed: h2load did not end in time, or failed.
    """
    reports: list[Report] = []
    amount = _duration("-D", seconds) + (_duration("--warm-up-time", warm_up) if warm_up else [])
    process = _start(load, server, amount)
    try:
        yield reports
        reports.append(_finish(process, load, seconds + warm_up + PATIENCE, seconds))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def run_for(load: Load, server: Server, seconds: float, warm_up: float) -> Report:
    """Send requests for a time, after a time that does not count.

    Raises:
        Failed: h2load did not end in time, or failed.
    """
    with running(load, server, seconds, warm_up) as reports:
        pass
    return reports[0]
