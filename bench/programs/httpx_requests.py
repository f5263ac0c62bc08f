"""A contestant: httpx's client, GETs that follow one another or are concurrent: ``httpx_requests.py LIBRARY URL STREAMS``."""
import asyncio
import sys
from time import process_time_ns

import httpx

from bench.children import serve_commands
from bench.programs.environments import check

REQUESTS = 200


class Requests:
    """One connection."""

    def __init__(self, url, streams):
        self._loop = asyncio.new_event_loop()
        self._streams = streams
        self._client = httpx.AsyncClient(http1=False, http2=True, base_url=url, limits=httpx.Limits(max_connections=1))
        self._loop.run_until_complete(self._ask())

    async def _some(self, count):
        for _ in range(count):
            answer = await self._client.get("/hello")
            if answer.status_code != 200 or answer.http_version != "HTTP/2" or answer.content != b"Hello, world!":
                raise RuntimeError(f"a wrong answer: {answer}")

    async def _ask(self):
        await asyncio.gather(*(self._some(REQUESTS // self._streams) for _ in range(self._streams)))

    def round(self):
        """Make the requests; return the nanoseconds of the client's processor time."""
        start = process_time_ns()
        self._loop.run_until_complete(self._ask())
        return process_time_ns() - start

    def answers(self):
        """Nothing: each answer is checked."""
        return []


if __name__ == "__main__":
    library, url, streams = sys.argv[1:]
    requests = Requests(url, int(streams))
    check(library)
    serve_commands(requests)
