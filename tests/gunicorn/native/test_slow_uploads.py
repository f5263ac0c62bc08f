"""Uploads that drip, under gunicorn: what the settings do, and that others are served meanwhile."""
import time

import h2.events
import pytest

from tests.gunicorn.native.asking import ask, reset_code
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

APP = "tests.gunicorn.native.wsgi_application:app"
CANCEL = 8


def test_four_posts_that_drip_do_not_stop_gets(start):
    """Four threads, and a time-out of three seconds: every GET is served, and the POSTs are reset in the end."""
    server = start(APP, "--threads", "4", "--timeout", "3")
    streams = [1, 3, 5, 7]
    with Client(server) as dripping, Client(server) as other:
        for stream_id in streams:
            dripping.request(stream_id, "/counted", "POST", end_stream=False)
        deadline = time.monotonic() + 40
        while streams and time.monotonic() < deadline:
            for stream_id in streams:
                dripping.data(stream_id, b"x")
            began = time.monotonic()
            assert ask(other, "/listed") == ("200", b"one two")
            assert time.monotonic() - began < 5
            dripping.read(lambda: False, 0.5)
            streams = [stream_id for stream_id in streams if not dripping.found(h2.events.StreamReset, stream_id)]
        assert not streams
        assert [reset_code(dripping, stream_id) for stream_id in (1, 3, 5, 7)] == [CANCEL] * 4
        assert ask(other, "/counted", "POST", body=b"body")[1] == b"4"
    assert "[ERROR]" not in server.log


def test_an_application_that_reads_is_told_that_the_client_was_too_slow(start):
    server = start(APP, "--threads", "4", "--timeout", "3", "--log-level", "debug", env={"FASTH2_GATHERED_BODY": "0"})
    with Client(server) as client:
        client.request(1, "/counted", "POST", end_stream=False)
        deadline = time.monotonic() + 40
        while not client.found(h2.events.StreamReset, 1) and time.monotonic() < deadline:
            client.data(1, b"x")
            client.read(lambda: client.found(h2.events.StreamReset, 1), 0.5)
        assert reset_code(client, 1) == CANCEL
        wait_until(lambda: server.log.count("stream closed: ") == 1)
        # A reset that the client sends is still its own.
        client.request(3, "/counted", "POST", end_stream=False)
        wait_until(lambda: server.log.count("POST /counted") == 2)
        client.conn.reset_stream(3, error_code=CANCEL)
        client.flush()
        wait_until(lambda: server.log.count("stream closed: ") == 2)
    told = [line.partition("stream closed: ")[2] for line in server.log.splitlines() if "stream closed: " in line]
    assert len(told) == 2
    assert "the client was too slow" in told[0]
    assert "too slow" not in told[1]
    assert "[ERROR]" not in server.log


@pytest.mark.parametrize(("variables", "answered"), [
    ({}, False),
    ({"FASTH2_GATHERED_BODY": "0"}, True),
    ({"FASTH2_GATHERED_BODIES": "3"}, True),
    ({"FASTH2_GATHER_PAUSE": "0"}, True),
])
def test_the_settings_reach_the_worker(start, variables, answered):
    """An application that does not read its body is called before that is whole, or after."""
    server = start(APP, "--threads", "4", env={"FASTH2_GATHER_PAUSE": "3600", **variables})
    with Client(server) as client:
        client.request(1, "/listed", "POST", end_stream=False)
        client.data(1, b"a part")
        assert client.read(client.ended(1), 10 if answered else 1.5) == answered
        client.data(1, b"the rest", end_stream=True) if not answered else None
        assert client.read(client.ended(1))
        assert client.status(1) == "200"


@pytest.mark.parametrize("variable", ["FASTH2_MIN_BODY_RATE", "FASTH2_UNSENT_PROCESS", "FASTH2_GATHER_PAUSE"])
def test_a_setting_that_cannot_be_ends_gunicorn_at_its_start(start, variable):
    with pytest.raises(Exception, match=variable + " is 'much', not a number"):
        start(APP, env={variable: "much"})
