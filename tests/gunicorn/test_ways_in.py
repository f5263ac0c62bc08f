"""install(), the worker class, FASTH2_DISABLE, and what each says."""
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.curl import curl
from tests.support.gunicorn_matrix import INSTALL
from tests.support.gunicorn_server import SOURCE
from tests.support.waiting import wait_until

BLOCKED = ("h2", "hpack", "hyperframe")
WORKER = ("-k", "fasth2.gunicorn.gthread")
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


@pytest.mark.parametrize("options, config, program", [
    (WORKER, None, {}), (("-k", "gthread", "--http-protocols", "h2,h1"), INSTALL, {}),
    (("-c", "python:fasth2.gunicorn.conf"), None, {}), (("--threads", "2"), None, {"program": ("-m", "fasth2", "gunicorn")})])
def test_FASTH2_DISABLE_stands_aside(start, options, config, program):
    """gunicorn serves by h2 where the operator asked for it, and one line says so."""
    # What else is set is not looked at.
    env = {"FASTH2_DISABLE": "1", "FASTH2_LIMITS": "?"}
    server = start(*options, config=config, env=env, **program)
    protocol, status, _loaded = about(server)
    assert protocol == ("HTTP/2.0" if config else "HTTP/1.1")
    assert not status["installed"]
    assert status["disabled"]
    assert status["blocking"] == "gunicorn.http2.connection.HTTP2ServerConnection"
    assert status["asyncio"] == "gunicorn.http2.async_connection.AsyncHTTP2Connection"
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
    assert out[3].startswith("True fasth2.gunicorn.dropin.connection.HTTP2ServerConnection 27.")
    assert out[4] == "True (4, 4, 1)"
    assert out[5] == "True"


def test_install_takes_settings_and_looks_at_none_when_it_is_disabled():
    code = "from fasth2.gunicorn import install, settings; print(install({'reset_burst': 3}, 70000))" \
        "; print(settings.current().limits, settings.current().connection_window)"
    assert run(code)[1] == "{'reset_burst': 3} 70000"
    assert run("from fasth2.gunicorn import install; print(install({'?': 1}).disabled)", FASTH2_DISABLE="1",
               FASTH2_LIMITS="?")[0] == "True"


def test_the_version_of_an_installed_h2_is_left_as_it_is():
    import h2

    out = run("from fasth2.gunicorn import install; install(); import gunicorn.http2 as g; print(g.get_h2_version())")
    assert out[0] == str(tuple(int(part) for part in h2.__version__.split(".")[:3]))


NEWER = """\
import gunicorn
gunicorn.version_info, gunicorn.__version__ = (99, 0, 0), "99.0.0"
"""


def test_a_gunicorn_that_is_not_known_is_served_as_the_newest_and_the_log_says_so_once(start):
    config = NEWER + INSTALL + 'http_protocols = "h2,h1"\nworker_class = "gthread"\nworkers = 2\n'
    server = start(config=config, blocked=BLOCKED)
    assert about(server)[0] == "HTTP/2.0"
    for _ in range(50):
        if server.log.count(LINE) == 2:
            break
        curl(server, "/hello")
    assert server.log.count("gunicorn 99.0.0 is newer than fasth2") == 1
    assert "HTTP/2 is served as under gunicorn 27" in server.log


def test_a_known_gunicorn_is_not_warned_of(start):
    server = start(*WORKER)
    about(server)
    assert "newer than" not in server.log


def test_a_gunicorn_that_is_not_known_is_not_probed():
    """What it has or lacks says nothing of how it uses it."""
    out = run("""if True:
        import gunicorn, gunicorn.http2.connection as c
        del c.HTTP2ServerConnection.pump
        from fasth2.gunicorn.dropin.contract import installed
        print(installed().known, installed().dispatches_on_headers)
        gunicorn.version_info = (99, 0, 0)
        print(installed().known, installed().dispatches_on_headers, installed().streams_responses)
    """)
    assert out[:2] == ["True False", "False True True"]


def test_a_gunicorn_without_HTTP_2_is_left_alone():
    out = run("""if True:
        import sys
        sys.modules["gunicorn.http2"] = None
        from fasth2.gunicorn import install
        print(install().installed, install())
    """)
    assert out[0].startswith("False fasth2 ")
    assert out[0].endswith(" has no HTTP/2")


def test_the_configuration_module_has_no_name_by_chance():
    """gunicorn takes every name of it that is a setting."""
    out = run("""if True:
        import fasth2.gunicorn.conf as conf
        from gunicorn.config import Config
        import fasth2.gunicorn.patched.worker, fasth2.gunicorn.dropin.connection, fasth2.gunicorn.settings, fasth2.gunicorn.launcher
        print(sorted(set(vars(conf)) & set(Config().settings)))
    """)
    assert out[0] == "['http_protocols', 'worker_class']"


MODULE = ("-c", "python:fasth2.gunicorn.conf")
LAUNCHER = {"program": ("-m", "fasth2", "gunicorn")}


def test_the_command_line_comes_before_the_configuration_module(start):
    server = start(*MODULE, "--http-protocols", "h1", "-k", "gthread")
    assert about(server)[0] == "HTTP/1.1"
    assert "Using worker: gthread" in server.log


def test_the_launcher_takes_gunicorns_arguments_and_its_configuration_file(start):
    server = start("--threads", "3", config='http_protocols = "h1"\n', **LAUNCHER)
    assert about(server)[0] == "HTTP/1.1"
    assert "Using worker: fasth2.gunicorn.gthread" in server.log


def test_the_launcher_leaves_other_workers_alone(start):
    server = start("-k", "gunicorn.workers.gthread.ThreadWorker", blocked=BLOCKED, **LAUNCHER)
    assert about(server)[0] == "HTTP/2.0"
    assert "Using worker: gunicorn.workers.gthread.ThreadWorker" in server.log


def test_the_launcher_reloads(start):
    server = start(blocked=BLOCKED, **LAUNCHER)
    server.reload()
    wait_until(lambda: server.log.count(LINE) == 2)
    assert about(server)[0] == "HTTP/2.0"


def test_the_launcher_starts_itself_again(start, tmp_path):
    """SIGUSR2: a new master with the same arguments, which serves when the old one has gone."""
    pid_file = tmp_path / "pid"
    server = start("--pid", str(pid_file), blocked=BLOCKED, **LAUNCHER)
    server.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: server.log.count(LINE) == 2)
    new = tmp_path / "pid.2"
    master = int(new.read_text())
    try:
        server.terminate()
        server.process.wait(10)
        assert about(server)[0] == "HTTP/2.0"
    finally:
        os.kill(master, signal.SIGTERM)
        wait_until(lambda: server.log.count("Shutting down: Master") == 2)


def fasth2(*arguments, **env):
    return subprocess.run([sys.executable, "-m", "fasth2", *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(SOURCE), **env})


def test_the_command_line_explains_itself():
    import fasth2 as package

    assert fasth2("--version").stdout.split()[:2] == ["fasth2", package.__version__]
    for arguments in ((), ("--help",)):
        done = fasth2(*arguments)
        assert "gunicorn's own arguments" in done.stdout or "usage: python -m fasth2" in done.stderr
        assert done.returncode == (0 if arguments else 2)
    assert "invalid choice: 'uvicorn'" in fasth2("uvicorn").stderr
    helped = fasth2("gunicorn", "--help")
    assert helped.stdout.startswith("usage: python -m fasth2 gunicorn [OPTIONS] [APP_MODULE]")
    assert "--bind" in helped.stdout
    assert fasth2("gunicorn", "--version").stdout.startswith("python -m fasth2 gunicorn (version ")


def test_the_command_line_without_gunicorn(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gunicorn'] = None\n")
    done = fasth2("gunicorn", "app", PYTHONPATH=f"{tmp_path}{os.pathsep}{SOURCE}")
    assert done.returncode == 1
    assert done.stderr == "gunicorn is not installed: pip install 'fasth2[gunicorn]'\n"


def test_importing_the_package_imports_no_gunicorn():
    out = run("import sys, fasth2, fasth2.gunicorn; print([m for m in sys.modules if m.split('.')[0] == 'gunicorn'])")
    assert out[0] == "[]"


def test_the_facade_imports_no_gunicorn_and_no_h2():
    out = run("import sys, fasth2.server; print(sorted({m.split('.')[0] for m in sys.modules}"
              " & {'gunicorn', 'h2', 'hpack', 'hyperframe'}))")
    assert out[0] == "[]"
