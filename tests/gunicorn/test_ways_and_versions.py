"""Each way in with each version of gunicorn, each worker, and the h2 package there or not: every pair once at least."""
import itertools
import json

import pytest

from tests.support.curl import curl
from tests.support.gunicorn_matrix import INSTALL
from tests.support.gunicorn_versions import NAMES, VERSIONS

BLOCKED = ("h2", "hpack", "hyperframe")
APP = "tests.support.wsgi_app:app"
ASGI_APP = "tests.support.asgi_app:app"

#: What is combined.
WAYS = ("install", "module", "launcher", "class")
WORKERS = ("gthread", "gevent", "asgi")
PACKAGE = ("with h2", "without h2")

ROWS = (
    ("install", "25.0.3", "gthread", "with h2"),
    ("install", "25.3.0", "gevent", "without h2"),
    ("install", "26.2.0", "asgi", "with h2"),
    ("install", "27.0.1", "gthread", "without h2"),
    ("module", "25.0.3", "gevent", "with h2"),
    ("module", "25.3.0", "asgi", "without h2"),
    ("module", "26.2.0", "gthread", "with h2"),
    ("module", "27.0.1", "gevent", "without h2"),
    ("launcher", "25.0.3", "asgi", "without h2"),
    ("launcher", "25.3.0", "gthread", "with h2"),
    ("launcher", "26.2.0", "gevent", "without h2"),
    ("launcher", "27.0.1", "asgi", "with h2"),
    ("class", "25.0.3", "gthread", "without h2"),
    ("class", "25.3.0", "gevent", "with h2"),
    ("class", "26.2.0", "asgi", "without h2"),
    ("class", "27.0.1", "gthread", "with h2"),
)


def test_every_pair_is_there():
    for one, other in itertools.combinations(range(4), 2):
        dimensions = (WAYS, NAMES, WORKERS, PACKAGE)
        wanted = set(itertools.product(dimensions[one], dimensions[other]))
        assert {(row[one], row[other]) for row in ROWS} == wanted


def arguments(way, worker):
    """Options and keywords that start a server in one of the ways."""
    ours = f"fasth2.gunicorn.{worker}"
    if way == "install":
        return (), {"config": INSTALL + f'worker_class = "{worker}"\nhttp_protocols = "h2,h1"\n'}
    if way == "module":
        options = () if worker == "gthread" else ("-k", ours)
        return ("-c", "python:fasth2.gunicorn.conf", *options), {}
    if way == "launcher":
        # gunicorn's own name of it, or none.
        return () if worker == "gthread" else ("-k", worker), {"program": ("-m", "fasth2", "gunicorn")}
    return ("-k", ours), {}


@pytest.mark.parametrize("way, version, worker, package", ROWS, ids=["-".join(row).replace(" ", "-") for row in ROWS])
def test_every_way_in_serves_under_every_version(start, way, version, worker, package):
    options, keywords = arguments(way, worker)
    server = start(*options, app=ASGI_APP if worker == "asgi" else APP, version=VERSIONS[NAMES.index(version)],
                   blocked=BLOCKED if package == "without h2" else (), **keywords)
    seen = json.loads(curl(server, "/about"))
    assert seen["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert seen["status"]["installed"]
    assert seen["status"]["gunicorn"] == version
    assert seen["status"]["blocking"].startswith("fasth2.gunicorn.")
    assert seen["status"]["asyncio"].startswith("fasth2.gunicorn.")
    # gunicorn looks for h2's version, and nobody uses more of it.
    assert set(seen["loaded"]) <= {"h2"}
    assert json.loads(curl(server, "/about", http="--http1.1"))["SERVER_PROTOCOL"] == "HTTP/1.1"
    body = b"0123456789" * 20000
    assert curl(server, "/echo", "--data-binary", "@-", data=body) == body
    assert server.log.count("HTTP/2 by fasth2 ") == 1
    if way != "install":
        assert f"Using worker: fasth2.gunicorn.{worker}" in server.log
