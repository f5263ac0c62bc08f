"""The settings that uvicorn lacks: class attributes and the environment, with their counters."""
import re
import subprocess
import sys
import time
from dataclasses import fields

import h2.events
import pytest

from fasth2.asgi.settings import ASGISettings
from fasth2.limits import Limits
from fasth2.uvicorn.environment import VARIABLES, Environment
from tests.support.curl import curl
from tests.support.paths import ROOT, SOURCE
from tests.support.tables import rows
from tests.support.tls_client import Client

UVICORN = (ROOT / "docs" / "uvicorn.md").read_text()
LIMITS = (ROOT / "docs" / "limits.md").read_text()


def counters(server):
    return eval(curl(server, "/counters"))


def in_the_clear(server, path):
    with Client(server) as client:
        client.request(1, path)
        assert client.read(client.ended(1))
        return client.body(1)


def test_each_setting_has_a_variable_and_a_row_with_its_default():
    names = {field.name: field.default for field in fields(ASGISettings)} | {"keep_alive": None}
    set_by = {field: variable for variable, (field, _) in VARIABLES.items()}
    assert set(names) == {*set_by, "keep_alive"}
    documented = {}
    for name, variable, default, _ in rows(UVICORN, "field of `ASGISettings`", "environment", "default", "meaning"):
        documented[name.strip("`")] = (variable.strip("`"), default)
    assert documented == {name: (set_by[name], str(default)) for name, default in names.items() if name != "keep_alive"}


def test_the_environment_comes_before_the_class():
    environment = Environment({"FASTH2_MAX_BODY": "100", "FASTH2_MAX_AGE": "none", "FASTH2_GOAWAY_AFTER": "0.5",
                               "FASTH2_CANCEL_ON_RESET": "yes", "FASTH2_LIMITS": "header_list_size=9000,reset_burst=none"})
    assert environment.settings(ASGISettings(max_age=5.0, send_buffer=1)) == ASGISettings(
        max_body=100, goaway_after=0.5, cancel_on_reset=True, send_buffer=1)
    assert environment.limits(Limits(reset_rate=7)) == Limits(header_list_size=9000, reset_burst=None, reset_rate=7)
    flags = Environment({"FASTH2_GC_FREEZE": "1", "FASTH2_RENEW_CERTIFICATE": "off"})
    assert (flags.flag("gc_freeze", False), flags.flag("renew_certificate", True)) == (True, False)
    nothing = Environment({})
    assert nothing.flag("gc_freeze", True)
    assert nothing.settings(ASGISettings(max_age=5.0)) == ASGISettings(max_age=5.0)


def test_what_was_loaded_is_frozen(serve_one):
    server = serve_one(env={"FASTH2_GC_FREEZE": "1"})
    assert int(in_the_clear(server, "/frozen")) > 5000
    assert int(in_the_clear(serve_one(), "/frozen")) < 5000


@pytest.mark.parametrize("variable, value, message", [
    ("FASTH2_MAX_BODY", "10k", "FASTH2_MAX_BODY is '10k', not a number of octets"),
    ("FASTH2_MAX_AGE", "-1", "FASTH2_MAX_AGE must be from 0 to"),
    ("FASTH2_CANCEL_ON_RESET", "maybe", "FASTH2_CANCEL_ON_RESET is 'maybe', neither 1 nor 0"),
    ("FASTH2_LIMITS", "resets=1", "FASTH2_LIMITS: there is no limit 'resets'")])
def test_a_server_with_an_invalid_value_does_not_start(variable, value, message):
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "--http", "fasth2.uvicorn:H2Protocol", "--port", "0",
         "tests.support.uvicorn_app:app"], capture_output=True, text=True, cwd=ROOT, timeout=60,
        env={"PYTHONPATH": str(SOURCE), variable: value})
    assert done.returncode == 1
    assert f"ValueError: {message}" in done.stderr


def test_limits_and_their_counters(serve_one, certificate):
    server = serve_one(certificate=certificate, timeout_keep_alive=60, env={
        "FASTH2_MAX_BODY": "1000", "FASTH2_LIMITS": "header_list_size=4000", "FASTH2_BODY_TIMEOUT": "1",
        "FASTH2_MIN_BODY_RATE": "1000", "FASTH2_SEND_TIMEOUT": "1.5", "FASTH2_CANCEL_ON_RESET": "1"})
    with Client(server, credit=False) as client:
        # A body that is too long, and a header list.
        client.request(1, "/digest", "POST", end_stream=False)
        client.data(1, bytes(1001))
        client.request(3, "/hello", headers=[("x-long", "x" * 4000)])
        assert client.read(lambda: client.status(1) and client.status(3))
        assert (client.status(1), client.status(3)) == ("413", "431")
        # One that drips, one that is not read, one that is given up.
        client.request(5, "/digest", "POST", end_stream=False)
        client.request(7, "/stream?10")
        client.request(9, "/slow?30")
        client.ping()
        client.conn.reset_stream(9)
        client.flush()
        deadline = time.monotonic() + 15
        while not (client.ended(5)() and client.ended(7)()):
            assert time.monotonic() < deadline
            if not client.ended(5)():
                client.data(5, b"x")
            client.read(lambda: False, wait=0.1)
        assert {event.stream_id for event in client.found(h2.events.StreamReset)} == {1, 5, 7}
        found = counters(server)
    # The application of the stream that was stuck is cancelled, too.
    expected = {"max_body": 1, "header_list_size": 1, "slow_bodies": 1, "stuck_streams": 1, "cancelled_tasks": 2}
    assert expected.items() <= found.items()
    assert found["connections"] >= 2
    assert found["connections_open"] >= 1
    assert {"window_growth", "unsent"} <= set(found)


def test_the_age_of_a_connection(serve_one, certificate):
    server = serve_one(certificate=certificate, timeout_keep_alive=60, settings={"max_age": 1.0, "max_age_jitter": 0.0})
    with Client(server, patient=True) as client:
        client.request(1, "/slow?2.5")
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        assert client.read(lambda: client.found(h2.events.StreamEnded, 1))
        assert client.body() == b"slow"
        assert client.read(lambda: len(client.found(h2.events.ConnectionTerminated)) == 2)
    assert counters(server)["max_age"] == 1


def test_long_streams_are_told_of_a_shutdown(serve_one, certificate):
    server = serve_one(certificate=certificate, env={"FASTH2_DISCONNECT_ON_SHUTDOWN": "0.3"})
    with Client(server, patient=True) as client:
        client.request(1, "/events")
        assert client.read(lambda: b"data: 3" in client.body())
        server.interrupt()
        assert client.read(client.ended(1))
    assert server.ends()
    assert "Traceback" not in server.log


def test_every_counter_of_the_page_is_counted_in_the_source():
    """The counters that docs/limits.md gives for the ASGI server."""
    source = "".join(path.read_text() for path in (SOURCE / "fasth2").rglob("*.pyx"))
    tokens = {token for row in rows(LIMITS, "limit", "field of `ASGISettings`, default", "crossing it", "counter")
              for token in re.findall(r"`(\w+)`", row[3])}
    assert tokens >= {"max_body", "slow_bodies", "stuck_streams", "max_age", "unsent_connection", "unsent_process"}
    for token in tokens:
        assert f'"{token}"' in source, token
