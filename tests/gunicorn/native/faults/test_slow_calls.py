"""Slow calls beside fast ones, by clients over TLS."""
import json
import socket
import time

import h2.events
import pytest

from tests.gunicorn.native.faults.asking import all_ended, ask
from tests.support.gate import Gate
from tests.support.tls_client import Client


def test_eighty_slow_calls_on_eight_threads(run):
    with run("--threads", "8") as server, Client(server) as client:
        ask(client, "/hello")
        assert client.read(client.ended(1))
        began = time.monotonic()
        ids = ask(client, *["/hold?0.05"] * 80, first=3)
        assert client.read(all_ended(client, ids))
        took = time.monotonic() - began
        assert [client.body(stream_id) for stream_id in ids] == [b"held"] * 80
        [seen] = ask(client, "/seen", first=201)
        assert client.read(client.ended(seen))
        # Ten rounds of 50 ms; one thread would take four seconds.
        assert json.loads(client.body(seen)) == {"most": 8, "threads": 8}
        assert took < 1.5


@pytest.mark.parametrize("threads", [1, 4])
def test_connections_are_served_by_the_loop_while_all_threads_are_busy(run, threads, tmp_path):
    gate = Gate(tmp_path / "gate")
    with run("--threads", str(threads)) as server, Client(server) as busy:
        ids = ask(busy, *[gate.target] * threads, "/hello")
        waiting = ids.pop()
        gate.wait_for_calls(threads)
        # Connections are accepted, TLS and settings are agreed on, pings are answered, windows change.
        with Client(server) as other:
            other.conn.increment_flow_control_window(1000)
            other.ping()
            assert other.read(lambda: other.found(h2.events.SettingsAcknowledged))
            busy.ping()
            assert not any(busy.ended(stream_id)() for stream_id in [*ids, waiting])
            [late] = ask(other, "/hello")
            gate.open()
            assert other.read(other.ended(late))
            assert other.body(late) == b"Hello, world!"
        assert busy.read(all_ended(busy, [*ids, waiting]))
        assert busy.body(waiting) == b"Hello, world!"


def test_a_free_thread_serves_others_beside_slow_calls(server):
    with Client(server) as busy, Client(server) as other:
        ids = ask(busy, *["/hold?1"] * 3)
        for stream_id in range(1, 41, 2):
            ask(other, "/hello", first=stream_id)
            assert other.read(other.ended(stream_id), 5)
        assert not any(busy.ended(stream_id)() for stream_id in ids)
        assert busy.read(all_ended(busy, ids))


def test_parts_arrive_when_they_are_made(server):
    with Client(server) as client:
        ask(client, "/parts?0.15")
        times = {}
        for number in range(6):
            assert client.read(lambda number=number: client.body().count(b"\n") > number)
            times[client.body().count(b"\n")] = time.monotonic()
        assert client.read(client.ended())
        assert client.body() == b"".join(b"%s %d\n" % (how, number)
                                         for how in (b"written", b"yielded") for number in range(3))
        # Each came alone.
        assert len(times) == 6


def test_input_of_a_slow_call(server):
    body = bytes(range(256)) * 200
    with Client(server) as client:
        client.request(1, "/slow-echo?0.05", "POST", end_stream=False)
        for at in range(0, len(body), 12800):
            client.data(1, body[at:at + 12800])
            time.sleep(0.05)
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended())
        assert client.body() == body


def test_plain_connections_are_served_beside_slow_calls(server):
    """HTTP/1.1 on the same port."""
    import ssl

    with Client(server) as busy:
        ids = ask(busy, *["/hold?0.5"] * 4)
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while data := sock.recv(65536):
                answer += data
        assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"Hello, world!")
        assert busy.read(all_ended(busy, ids))
