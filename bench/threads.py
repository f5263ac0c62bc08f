"""How the engine scales over threads: requests a second on separate connections in two threads, against one.

usage: python -m bench.threads [seconds]

Needs nothing but fasth2. With the interpreter's lock the ratio is 1 at best; ``make test-free-threaded`` runs it
without.
"""
from __future__ import annotations

import statistics
import sys
import threading
import time

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
#: GET / of https://example.com, all its fields in the static table but one.
BLOCK = b"\x82\x84\x87\x41\x0bexample.com"
RESPONSE = [("content-type", "text/plain"), ("content-length", "13"), ("server", "bench")]
REQUESTS = 1000
ROUNDS = 5


def serve(until: float) -> int:
    """Answer requests on connections of this thread's own until a time; return how many."""
    done = 0
    while not done or time.monotonic() < until:
        connection = H2Connection(H2Configuration(client_side=False, rfc_errors=True))
        connection.initiate_connection()
        connection.receive_data(PREFACE)
        for stream_id in range(1, 2 * REQUESTS, 2):
            header = len(BLOCK).to_bytes(3, "big") + b"\x01\x05" + stream_id.to_bytes(4, "big")
            connection.ready_requests(header + BLOCK)
            connection.respond(stream_id, 200, RESPONSE, b"Hello, world!")
            connection.pull()
        done += REQUESTS
    return done


def rate(threads: int, seconds: float) -> tuple[float, float]:
    """Requests a second of so many threads together, and in a second of one CPU's time."""
    counts: list[int] = []
    begin, spent = time.monotonic(), time.process_time()
    group = [threading.Thread(target=lambda: counts.append(serve(begin + seconds))) for _ in range(threads)]
    for thread in group:
        thread.start()
    for thread in group:
        thread.join()
    return sum(counts) / (time.monotonic() - begin), sum(counts) / (time.process_time() - spent)


def main(seconds: float) -> None:
    """Measure one and two threads by turns, and print the medians of the ratios."""
    rates = [(rate(1, seconds), rate(2, seconds)) for _ in range(ROUNDS)]
    once = statistics.median(one[0] for one, _ in rates)
    ratio = statistics.median(two[0] / one[0] for one, two in rates)
    work = statistics.median(one[1] / two[1] for one, two in rates)
    lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"{once:,.0f} requests a second in one thread; in two {ratio:.2f} times that, for {work:.2f} times the CPU time "
          f"each; the interpreter's lock is {'on' if lock else 'off'}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
