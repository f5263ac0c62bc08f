"""What fasth2's own worker does on TERM, QUIT, INT, USR2, TTIN and TTOU; tests/load has what every worker does."""
import contextlib
import os
import signal
import time

import h2.connection
import h2.events
import pytest

from tests.gunicorn.native.faults.asking import all_ended, ask
from tests.support.crowd import Crowd
from tests.support.gate import Gate
from tests.support.tls_client import Client
from tests.support.waiting import until, wait_until


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


def is_running(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_slow_calls_are_waited_for(run, tmp_path):
    gate = Gate(tmp_path / "gate")
    with run("--graceful-timeout", "10") as server, Client(server, patient=True) as client:
        ids = ask(client, gate.target, gate.target, "/parts?0.1")
        gate.wait_for_calls(2)
        server.terminate()
        wait_until(lambda: "Handling signal: term" in server.log)
        # Some clients take nothing after a goodbye: there is none while a request is open. It would come in this time.
        assert not client.read(lambda: client.found(h2.events.ConnectionTerminated), 0.3)
        ids += ask(client, "/hello", first=7)
        assert client.read(client.ended(7))
        gate.open()
        assert client.read(all_ended(client, ids))
        assert [client.status(stream_id) for stream_id in ids] == ["200"] * 4
        goodbyes = client.found
        assert client.read(lambda: goodbyes(h2.events.ConnectionTerminated))
        # What is on its way then is served still.
        ids += ask(client, "/hello", first=9)
        assert client.read(all_ended(client, ids))
        assert client.read(lambda: goodbyes(h2.events.ConnectionTerminated)[-1].last_stream_id == 9)
        client.read(lambda: False, 5)
        client.sock.close()
        assert server.process.wait(10) == 0
    assert "[ERROR]" not in server.log


def test_calls_without_end_are_not_waited_for_longer_than_the_time_for_it(run):
    with run("--graceful-timeout", "1", "--timeout", "30") as server, Client(server) as client:
        ask(client, "/block", "/hello")
        assert client.read(client.ended(3))
        began = time.monotonic()
        server.terminate()
        server.process.wait(15)
        assert 0.5 < time.monotonic() - began < 12


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_stop_at_once(run, number):
    with run("--graceful-timeout", "30") as server, Client(server) as client:
        ask(client, "/hold?20", "/hello")
        assert client.read(client.ended(3))
        server.process.send_signal(number)
        assert server.process.wait(10) == 0


def test_more_workers_and_fewer(run, begun):
    with run("--graceful-timeout", "5", env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        try:
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGTTIN)
            assert until(lambda: len(server.workers) == 2)
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGTTOU)
            assert until(lambda: sum(map(is_running, server.workers)) == 1)
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log


def test_USR2_hands_over_to_a_new_master(run, begun, tmp_path):
    """USR2 starts one beside the first; TERM to the old one hands over."""
    with run("--graceful-timeout", "5", "--pid", str(tmp_path / "pid"),
             env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        new = None
        try:
            crowd.wait_for_answers(50)
            server.process.send_signal(signal.SIGUSR2)
            assert until(lambda: len(server.workers) == 2 and (tmp_path / "pid.2").exists())
            new = int((tmp_path / "pid.2").read_text())
            server.terminate()
            assert server.process.wait(20) == 0
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
            if new is not None:
                os.kill(new, signal.SIGTERM)
                assert until(lambda: not is_running(new))
        assert not faults
    assert "[ERROR]" not in server.log
