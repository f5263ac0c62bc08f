"""install(), the worker class, FASTH2_DISABLE, and what each says."""
import json
import os
import subprocess
import sys

import pytest

from tests.gunicorn.live import INSTALL, curl
from tests.support.gunicorn_server import SOURCE

BLOCKED = ("h2", "hpack", "hyperframe")
WORKER = ("-k", "fasth2.gunicorn.ThreadWorker")
LINE = "HTTP/2 by fasth2 "


def about(server, http="--http2"):
    seen = json.loads(curl(server, "/about", http=http))
    return seen["SERVER_PROTOCOL"], seen["status"], seen["loaded"]


def test_a_configuration_file_whose_first_line_installs(start):
    """The h2 package is not there, and http_protocols names h2."""
    server = start(config=INSTALL + 'http_protocols = "h2,h1"\nworker_class = "gthread"\n', blocked=BLOCKED)
    protocol, status, loaded = about(server)
    assert protocol == "HTTP/2.0"
    assert status["installed"]
    assert loaded == []
    assert server.log.count(LINE) == 1


def test_the_worker_class_offers_both_protocols(start):
    server = start(*WORKER, blocked=BLOCKED)
    assert about(server)[0] == "HTTP/2.0"
    assert about(server, "--http1.1")[0] == "HTTP/1.1"
    assert server.log.count(LINE) == 1


@pytest.mark.parametrize("how", ["option", "environment", "file"])
def test_an_operator_who_chose_HTTP_1_1_gets_it(start, how):
    options, config, env = (), None, {}
    if how == "option":
        options = ("--http-protocols", "h1")
    elif how == "environment":
        env = {"GUNICORN_CMD_ARGS": "--http-protocols=h1"}
    else:
        config = 'http_protocols = "h1"\n'
    server = start(*WORKER, *options, config=config, env=env)
    assert about(server)[0] == "HTTP/1.1"


def test_an_operator_who_chose_h2_without_the_h2_package(start):
    """gunicorn checks that before it imports the worker class, as its docstring says."""
    with pytest.raises(RuntimeError, match="h2 package is not installed"):
        start(*WORKER, "--http-protocols", "h2,h1", blocked=BLOCKED)
    server = start(*WORKER, "--http-protocols", "h2,h1", config=INSTALL, blocked=BLOCKED)
    assert about(server)[0] == "HTTP/2.0"


def test_each_worker_says_it_once(start):
    server = start(*WORKER, "--workers", "3", config=INSTALL)
    curl(server, "/hello")
    for _ in range(100):
        if server.log.count(LINE) == 3:
            break
        curl(server, "/hello")
    assert server.log.count(LINE) == 3


@pytest.mark.parametrize("options, config", [
    (WORKER, None), (("-k", "gthread", "--http-protocols", "h2,h1"), INSTALL)])
def test_FASTH2_DISABLE_stands_aside(start, options, config):
    """gunicorn serves by h2 where the operator asked for it, and one line says so."""
    server = start(*options, config=config, env={"FASTH2_DISABLE": "1"})
    protocol, status, _loaded = about(server)
    assert protocol == ("HTTP/2.0" if config else "HTTP/1.1")
    assert not status["installed"]
    assert status["disabled"]
    assert status["blocking"] == "gunicorn.http2.connection.HTTP2ServerConnection"
    assert server.log.count("stands aside: FASTH2_DISABLE=1") == 1
    assert LINE not in server.log


def run(code, **env):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(SOURCE), **env})
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_install_is_idempotent_and_status_tells():
    out = run("""if True:
        import sys
        sys.modules["h2"] = None
        from fasth2.gunicorn import install, status
        before = status()
        print(before.installed, before.blocking)
        print(install())
        import gunicorn.http2, gunicorn.http2.connection as c
        from gunicorn.workers.base import Worker
        first = c.HTTP2ServerConnection, Worker.init_process
        install()
        print(first == (c.HTTP2ServerConnection, Worker.init_process))
        print(status().installed, status().blocking, status().gunicorn)
        print(gunicorn.http2.is_http2_available(), gunicorn.http2.get_h2_version())
        print(gunicorn.http2.get_http2_connection_class() is c.HTTP2ServerConnection)
    """)
    assert out[0] == "False gunicorn.http2.connection.HTTP2ServerConnection"
    assert out[1].startswith(LINE)
    assert out[2] == "True"
    assert out[3].startswith("True fasth2.gunicorn.connection.HTTP2ServerConnection 27.")
    assert out[4] == "True (4, 4, 1)"
    assert out[5] == "True"


def test_the_version_of_an_installed_h2_is_left_as_it_is():
    import h2

    out = run("from fasth2.gunicorn import install; install(); import gunicorn.http2 as g; print(g.get_h2_version())")
    assert out[0] == str(tuple(int(part) for part in h2.__version__.split(".")[:3]))


def test_a_gunicorn_that_is_not_known_is_left_alone():
    out = run("""if True:
        import gunicorn.http2.connection as c
        del c.HTTP2ServerConnection.pump
        stock = c.HTTP2ServerConnection
        from fasth2.gunicorn import install
        try:
            install()
        except RuntimeError as error:
            print(error)
        print(c.HTTP2ServerConnection is stock)
    """)
    assert "this is gunicorn 27." in out[0]
    assert out[1] == "True"


def test_importing_the_package_imports_no_gunicorn():
    out = run("import sys, fasth2, fasth2.gunicorn; print([m for m in sys.modules if m.split('.')[0] == 'gunicorn'])")
    assert out[0] == "[]"


def test_the_facade_imports_no_gunicorn_and_no_h2():
    out = run("import sys, fasth2.server; print(sorted({m.split('.')[0] for m in sys.modules}"
              " & {'gunicorn', 'h2', 'hpack', 'hyperframe'}))")
    assert out[0] == "[]"
