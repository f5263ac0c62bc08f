"""Clients that ask a proxy without pause, and what they did not get."""
from __future__ import annotations

import hashlib
import http.client
import ssl
import threading

from .proxies import Proxy
from .waiting import until

_BODY = bytes(range(256)) * 40
_DIGEST = hashlib.sha256(_BODY).hexdigest().encode()


class Load:
    """Threads that ask over HTTP/1.1, each on a connection of its own, a GET and a POST in turn.

    They go on until each has sent its number of both and `finish` has been called.

    Args:
        proxy: The proxy.
        clients: How many threads.
        requests: The least number of GETs, and of POSTs, of all threads.
    """

    def __init__(self, proxy: Proxy, clients: int, requests: int) -> None:
        self._proxy = proxy
        self._context = ssl.create_default_context(cafile=str(proxy.certificate.authority))
        self._least = -(-requests // clients)
        self._finished = threading.Event()
        self._lock = threading.Lock()
        #: How many GETs and POSTs were answered as they should be.
        self.gets = self.posts = 0
        #: What was not.
        self.losses: list[str] = []
        #: The processes that have answered.
        self.workers: set[bytes] = set()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPSConnection("127.0.0.1", self._proxy.port, timeout=30, context=self._context)
        asked = 0
        while asked < self._least or not self._finished.is_set():
            self._ask(connection, "GET", "/worker")
            self._ask(connection, "POST", "/digest", _BODY)
            asked += 1
            # A proxy that refuses at once is not asked ten thousand times.
            if len(self.losses) > 2000:
                break
        connection.close()

    def _ask(self, connection: http.client.HTTPSConnection, method: str, path: str, body: bytes | None = None) -> None:
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            with self._lock:
                self.losses.append(f"{method}: {exc!r}")
            return
        with self._lock:
            if response.status != 200 or (method == "POST" and answer != _DIGEST):
                self.losses.append(f"{method}: {response.status}")
            elif method == "GET":
                self.gets += 1
                self.workers.add(answer)
            else:
                self.posts += 1

    def wait_for_a_new_worker(self, wait: float = 60.0) -> None:
        """Wait until a process has answered that had not when this was called, and twenty requests more."""
        before = len(self.workers)
        assert until(lambda: len(self.workers) > before, wait), self.losses[:10]
        self.wait_for_answers(20)

    def wait_for_answers(self, more: int, wait: float = 60.0) -> None:
        """Wait until so many more have come."""
        wanted = self.gets + self.posts + more
        assert until(lambda: self.gets + self.posts >= wanted, wait), self.losses[:10]

    def finish(self) -> None:
        """Let all threads come to their end."""
        self._finished.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()
