"""Renewal of a server's certificate while it runs: the TLS context loads its chain again when the files have changed."""
from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fasth2.asgi.tls import forget_certificates

__all__ = ["CHECK_INTERVAL", "Renewal"]

#: Seconds between two looks at the files.
CHECK_INTERVAL = 1.0


class Renewal:
    """Keeps a TLS context's certificate as its files have it.

    The files are read by a thread, and tried on a context of their own, so that neither a slow disk nor half a renewal
    reaches a connection. What was read then replaces the chain for the handshakes that follow; connections that are open
    keep theirs.

    Args:
        context: The server's TLS context.
        certificate: The file of its certificate and chain.
        key: The file of the key; ``None``: the same.
        password: Of the key; ``None``: it has none.
        loop: The event loop.
        log: For renewals, and files that cannot be used.
    """

    def __init__(self, context: ssl.SSLContext, certificate: Any, key: Any, password: Any, loop: asyncio.AbstractEventLoop,
                 log: logging.Logger) -> None:
        self._context = context
        self._paths = [Path(certificate)] if key is None else [Path(certificate), Path(key)]
        self._password = password
        self._loop = loop
        self._log = log
        self._version = self._look()
        self._next = loop.time() + CHECK_INTERVAL
        self._checking = False
        self._failure = ""
        #: Number of renewals.
        self.renewed = 0

    def check(self) -> None:
        """Look at the files, unless that was done less than `CHECK_INTERVAL` ago. Called for each new connection."""
        now = self._loop.time()
        if now < self._next or self._checking:
            return
        self._checking = True
        self._loop.run_in_executor(None, self._read).add_done_callback(self._renew)

    def _look(self) -> tuple[Any, ...]:
        found: list[Any] = []
        for path in self._paths:
            try:
                info = path.stat()
            except OSError as error:
                found.append(error.errno)
            else:
                found.append((info.st_mtime_ns, info.st_ino, info.st_size))
        return tuple(found)

    def _read(self) -> tuple[tuple[Any, ...], bytes | None]:
        """Return the state of the files, and what they have if it is new. On a thread of the executor."""
        version = self._look()
        if version == self._version:
            return version, None
        octets = b"\n".join(path.read_bytes() for path in self._paths)
        with _as_file(octets) as path:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password=self._password)
        return version, octets

    def _renew(self, future: asyncio.Future[tuple[tuple[Any, ...], bytes | None]]) -> None:
        self._checking = False
        self._next = self._loop.time() + CHECK_INTERVAL
        if future.cancelled():
            return
        try:
            version, octets = future.result()
            if octets is None:
                return
            with _as_file(octets) as path:
                self._context.load_cert_chain(path, password=self._password)
        except (OSError, ValueError) as error:
            # Half a renewal, perhaps: the next look will find the rest.
            if str(error) != self._failure:
                self._failure = str(error)
                self._log.error("The TLS certificate cannot be read again; the last one is in use: %s", error)
            return
        self._failure = ""
        self._version = version
        self.renewed += 1
        forget_certificates()
        self._log.info("The TLS certificate is renewed")


@contextlib.contextmanager
def _as_file(octets: bytes) -> Iterator[str]:
    """Give a file with a certificate and its key, in memory where the system can do that."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(octets)
            file.flush()
            yield file.name
        return
    with open(os.memfd_create("certificate"), "wb", buffering=0) as file:
        file.write(octets)
        yield f"/proc/self/fd/{file.fileno()}"
