"""h2load, of nghttp2, as a client."""
from __future__ import annotations

import re

from .run import run


def h2load(server, path, *args):
    """Run h2load; return its counts by name, and the octets of the bodies it received."""
    out = run("h2load", *args, server.url + path).stdout.decode()
    print(out)
    assert f"Application protocol: {'h2' if server.url.startswith('https') else 'h2c'}\n" in out
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", re.search("requests: .*", out)[0])}
    counts |= {name: int(count) for count, name in re.findall(r"(\d+) (\dxx)", re.search("status codes: .*", out)[0])}
    counts["octets"] = int(re.search(r"\((\d+)\) data$", out, re.M)[1])
    return counts


def succeeded(counts, count, status="2xx"):
    """Whether that many requests were made and all went well."""
    return (counts["total"], counts["succeeded"], counts["failed"], counts[status]) == (count, count, 0, count)
