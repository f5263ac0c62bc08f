"""Files as responses: ``http.response.pathsend``."""
from __future__ import annotations

import asyncio
import os
from typing import Any

__all__ = ["send_file"]

#: Octets of one read.
BLOCK = 262144


async def send_file(exchange: Any, path: str | os.PathLike[str]) -> None:
    """Send a file as the rest of a response. It is read by a thread of the loop's executor, as far as the client takes it.

    Args:
        exchange: The request (`fasth2.asgi.exchange.Exchange`).
        path: The file.

    Raises:
        OSError: The file cannot be read.
        RuntimeError: The response's content-length is not the file's.
    """
    loop = asyncio.get_running_loop()
    file = await loop.run_in_executor(None, _open, path)
    try:
        left = os.fstat(file.fileno()).st_size
        more = True
        while more:
            block = await loop.run_in_executor(None, file.read, BLOCK)
            left -= len(block)
            more = bool(block) and left > 0
            await exchange.send({"type": "http.response.body", "body": block, "more_body": more})
    finally:
        file.close()


def _open(path: str | os.PathLike[str]) -> Any:
    return open(path, "rb", buffering=0)
