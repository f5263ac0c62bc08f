"""The ASGI application of the servers that run on fasth2: `service_asgi`, and what tells of their process."""
import json
import os
import sys

import fasth2
from tests.support import service_asgi


def engine():
    """The process, whether fasth2 is in h2's place in it, and whose class its program uses."""
    status = fasth2.alias_status()
    return {"pid": os.getpid(), "active": status.active, "reason": status.reason,
            "class": sys.modules["h2.connection"].H2Connection.__module__.partition(".")[0]}


async def app(scope, receive, send):
    """Answer ``/engine`` and the paths of `service_asgi`."""
    if scope["type"] == "lifespan":
        # Hypercorn on trio fails where an application returns at once.
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            await send({"type": f"lifespan.{phase}.complete"})
    elif scope["type"] == "http" and scope["path"] == "/engine":
        await service_asgi.whole(send, json.dumps(engine()).encode())
    else:
        await service_asgi.app(scope, receive, send)
