"""Run uvicorn with fasth2's protocol class: ``python -m tests.support.run_uvicorn APP KEYWORDS``, the latter in JSON."""
import json
import sys

import uvicorn

from fasth2 import uvicorn as host

if __name__ == "__main__":
    keywords = json.loads(sys.argv[2])
    settings = keywords.pop("settings", {})
    limits = keywords.pop("limits", None)

    class Protocol(host.H2Protocol):
        settings = host.ASGISettings(**settings)

    if limits is not None:
        from fasth2.limits import Limits

        Protocol.limits = Limits(**limits)
    uvicorn.run(sys.argv[1], http=Protocol, **keywords)
