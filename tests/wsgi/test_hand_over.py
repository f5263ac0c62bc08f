"""A call of the application that takes long loses the lead, and nothing else waits for it."""
import contextlib
import threading
import time

import h2.events
import pytest

from fasth2.wsgi.leader import Leadership, Slot
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Paths
from tests.wsgi.asking import answered, get


def update_calls(client):
    """Have the client and the server say what they have to say without being asked."""
    client.ping()
    assert client.read(lambda: client.found(h2.events.SettingsAcknowledged), 5)
    client.ping()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_neighbours_in_one_read_do_not_wait(serve, threads):
    app = Paths()
    server = serve(app, threads=threads)
    with Client(server) as client:
        get(client, "/before", "/wait?a", "/after")
        assert answered(client, 1, b"/before")
        if threads > 1:
            assert answered(client, 5, b"/after")
        else:
            client.ping()
            assert app.begun == ["/before", "/wait?a"]
        app.gate("a").set()
        assert answered(client, 3, b"/wait")
        assert answered(client, 5, b"/after")
    assert not server.failures


def test_all_threads_busy_and_the_helper_keeps_connections_alive(serve):
    app = Paths()
    server = serve(app, threads=2)
    with Client(server) as first:
        get(first, "/wait?a", "/wait?a", "/later")
        assert until(lambda: len(app.begun) == 2)
        with Client(server) as second:
            get(second, "/other")
            second.ping()
            assert second.read(lambda: second.found(h2.events.RemoteSettingsChanged), 5)
            assert until(server.loop.is_stuck)
            app.gate("a").set()
            assert answered(second, 1, b"/other")
            assert answered(first, 5, b"/later")
    assert until(lambda: not server.loop.is_stuck())
    assert not server.failures


def test_requests_with_bodies_that_waited_for_a_thread_are_run_at_once(serve):
    app = Paths()
    server = serve(app, threads=1)
    with Client(server) as first, Client(server) as second:
        update_calls(second)
        get(first, "/wait?a")
        assert until(lambda: app.begun)
        second.request(1, "/post", "POST", end_stream=False)
        assert until(server.loop.is_stuck)
        app.gate("a").set()
        assert answered(second, 1, b"/post")


def test_a_new_leader_runs_what_the_last_left_for_the_end_of_its_round(serve):
    app = Paths()
    # The last free thread takes no request whose body is not whole.
    server = serve(app, threads=3)
    with Client(server) as client:
        update_calls(client)
        # Both are to be run when the round ends; the first takes long.
        for stream_id, path in ((1, "/wait?a"), (3, "/post")):
            client.conn.send_headers(stream_id, [
                (":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path), ("expect", "100-continue")])
        client.flush()
        assert answered(client, 3, b"/post")
        app.gate("a").set()
        assert answered(client, 1, b"/wait")


def _empty_parts(app):
    def generate(environ, start_response):
        start_response("200 OK", [])
        while not app.gate("stop").is_set():
            yield b""
        yield b"done"
    return generate


def _empty_writes(app):
    def write_on(environ, start_response):
        write = start_response("200 OK", [])
        while not app.gate("stop").is_set():
            write(b"")
        return [b"done"]
    return write_on


@pytest.mark.parametrize("kind", [_empty_parts, _empty_writes])
def test_many_quick_parts_do_not_keep_the_lead(serve, kind):
    def stop(environ, start_response):
        app.gate("stop").set()
        start_response("200 OK", [])
        return [b"stopped"]

    app = Paths(stop=stop)
    app.functions["endless"] = kind(app)
    # So long a tick that no single part, nor another thread that has the interpreter, takes it.
    server = serve(app, threads=2, tick=0.1)
    with Client(server) as first, Client(server) as second:
        update_calls(first)
        update_calls(second)
        get(first, "/endless")
        assert until(lambda: app.begun)
        get(second, "/stop")
        assert answered(second, 1, b"stopped")
        assert answered(first, 1, b"done")
    assert not server.failures


def test_a_part_that_is_held_back_does_not_wait_for_the_next(serve):
    rounds = 100

    def parts(environ, start_response):
        number = environ["PATH_INFO"]
        start_response("200 OK", [])
        yield b"one"
        assert app.gate(number + "two").wait(20)
        yield b"two"
        assert app.gate(number + "three").wait(20)
        yield b"three"

    # Each by a path of its own: none is known to be slow.
    app = Paths(**{f"parts{number}": parts for number in range(rounds)})
    server = serve(app, threads=1)
    with Client(server) as client:
        for number in range(rounds):
            stream, path = 2 * number + 1, f"/parts{number}"
            get(client, path, first=stream)
            assert client.read(lambda s=stream: client.body(s) == b"one", 5)
            app.gate(path + "two").set()
            assert client.read(lambda s=stream: client.body(s) == b"onetwo", 5)
            app.gate(path + "three").set()
            assert answered(client, stream, b"onetwothree")


def test_only_so_many_threads_run_the_application(serve):
    seen, now, most = set(), 0, 0
    lock = threading.Lock()

    def busy(environ, start_response):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            seen.add(threading.get_ident())
        time.sleep(0.002 * (int(environ["QUERY_STRING"]) % 4))
        with lock:
            now -= 1
        start_response("200 OK", [])
        return [environ["QUERY_STRING"].encode()]

    server = serve(Paths(busy=busy), threads=3)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(3)]
        for round_ in range(5):
            numbers = range(40 * round_, 40 * round_ + 40)
            for client in clients:
                get(client, *(f"/busy?{number}" for number in numbers), first=1 + 2 * numbers[0])
            for client in clients:
                for number in numbers:
                    assert answered(client, 1 + 2 * number, str(number).encode())
    assert len(seen) == most == 3
    assert not server.failures and not server.reports


def test_a_seat_that_gave_the_lead_away_can_get_it_back_at_once():
    woken = []
    leadership = Leadership(lambda: woken.append(True))
    helper, slot = Slot(True), Slot()
    assert leadership.acquire(helper)
    thread = threading.Thread(target=leadership.acquire, args=(slot,), daemon=True)
    thread.start()
    assert until(lambda: leadership.idle_slots and woken)
    assert leadership.yield_lead(helper)
    thread.join(5)
    assert not thread.is_alive()
    # The seat's thread has to get rid of the lead before the helper's has come to wait.
    assert leadership.yield_lead(slot)
    assert leadership.acquire(helper)
    assert leadership.yield_lead(helper)
    leadership.stop()
    assert not leadership.acquire(slot)
