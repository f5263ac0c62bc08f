"""gunicorn's own workers of its older versions, with install() alone."""
import h2.events
import pytest

from tests.support.curl import curl
from tests.support.gunicorn_matrix import INSTALL
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.tls_client import Client

OLDER = [version for version in VERSIONS if version is not NEWEST]


@pytest.fixture
def serve(start):
    def serve(version, worker, *options):
        return start("-k", worker, "--http-protocols", "h2,h1", *options, config=INSTALL, version=version,
                     blocked=("h2", "hpack", "hyperframe"))
    return serve


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_gthread(serve, version):
    server = serve(version, "gthread", "--threads", "2", "--keep-alive", "1")
    # Trailers behind more than a frame and more than a window, which 25's worker writes past the class.
    out = curl(server, "/trailers?300000", "--include")
    head, _, rest = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 200")
    assert rest == b"t" * 300000 + b"x-sum: abc\r\n"
    # Idle connections hold their threads no longer than keepalive.
    with Client(server) as one, Client(server) as two:
        for client in (one, two):
            client.request(1, "/hello")
            assert client.read(client.ended())
        with Client(server) as three:
            three.request(1, "/hello")
            assert three.read(three.ended())
            assert three.body() == b"Hello, world!"
        assert one.read(lambda: one.found(h2.events.ConnectionTerminated))
    assert "Traceback" not in server.log


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_early_hints_under_gevent(serve, version):
    """gunicorn's own class writes HTTP/1.1 into the connection."""
    server = serve(version, "gevent")
    out = curl(server, "/hints", "--include")
    assert out.startswith(b"HTTP/2 103")
    assert b"link: </style.css>; rel=preload; as=style" in out
    assert out.endswith(b"Hello, world!")
