"""Run uvicorn with fasth2's protocol class: ``python -m tests.support.run_uvicorn APP KEYWORDS``, the latter in JSON."""
import json
import sys

import uvicorn

from fasth2 import uvicorn as host
from fasth2.limits import Limits

if __name__ == "__main__":
    keywords = json.loads(sys.argv[2])
    # Workers and reloads start other processes, which find the class by its name.
    Protocol = host.H2Protocol
    if "settings" in keywords or "limits" in keywords:

        class Protocol(host.H2Protocol):
            settings = host.ASGISettings(**keywords.pop("settings", {}))
            limits = Limits(**keywords.pop("limits", {}))

    uvicorn.run(sys.argv[1], http=Protocol, **keywords)
