"""What a client has cancelled, or never gets, takes no thread: the next part that the application yields ends it."""
import h2.events
import pytest

from tests.support.gate import Gate
from tests.support.gunicorn_server import tracebacks
from tests.support.tls_client import Client
from tests.support.waiting import until

APP = "tests.gunicorn.patched.response_rules_app:app"


@pytest.fixture
def note(tmp_path):
    """A file in which the application says that it was closed."""
    return tmp_path / "note"


def appears(path):
    return until(lambda: path.exists() and path.read_text(), 15.0)


def drawn(note):
    return int((note.parent / "note.drawn").read_text() or "0")


@pytest.mark.parametrize("path", ["/empty-parts", "/parts-for-ever", "/slow-parts"])
def test_the_next_part_after_a_reset_is_the_last(start, blocking_worker, note, path):
    server = start(*blocking_worker, "--threads", "2", app=APP)
    with Client(server) as client:
        client.request(1, f"{path}?{note}")
        assert appears(note.parent / "note.drawn")
        client.conn.reset_stream(1, error_code=8)
        client.flush()
        assert appears(note)
        # Whatever the machine does, it is far from the two thousand that there are.
        assert drawn(note) < 100
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
    assert tracebacks(server) == 0


def test_as_many_of_them_as_threads_stop_no_other(start, blocking_worker, tmp_path):
    server = start(*blocking_worker, "--threads", "2", app=APP)
    with Client(server) as one, Client(server) as two:
        for client, name in ((one, "one"), (two, "two")):
            client.request(1, f"/empty-parts?{tmp_path / name}")
        for name in ("one", "two"):
            assert appears(tmp_path / f"{name}.drawn")
        for client in (one, two):
            client.conn.reset_stream(1, error_code=8)
            client.flush()
        with Client(server) as other:
            other.request(1, "/hello")
            assert other.read(other.ended())
        assert appears(tmp_path / "one")
        assert appears(tmp_path / "two")


def test_a_client_that_leaves_ends_its_request(start, blocking_worker, note):
    server = start(*blocking_worker, "--threads", "2", app=APP)
    with Client(server) as client:
        client.request(1, f"/empty-parts?{note}")
        assert appears(note.parent / "note.drawn")
    assert appears(note)
    assert drawn(note) < 200
    assert tracebacks(server) == 0


def test_a_request_that_was_cancelled_while_it_waited_is_not_run(start, blocking_worker, note, tmp_path):
    server = start(*blocking_worker, "--threads", "1", app=APP)
    gate = Gate(tmp_path / "gate")
    with Client(server) as client:
        client.request(1, gate.target)
        client.request(3, f"/called?{note}")
        client.request(5, "/hello")
        gate.wait_for_calls()
        client.conn.reset_stream(3, error_code=8)
        client.ping()
        gate.open()
        assert client.read(lambda: client.ended(1)() and client.ended(5)())
        assert client.status(1) == client.status(5) == "200"
    assert not note.exists()


@pytest.mark.parametrize("path", ["/empty-parts", "/parts-for-ever", "/bodiless", "/generated-without-end"])
def test_HEAD_on_a_body_without_an_end_is_answered_at_once(start, blocking_worker, note, path):
    server = start(*blocking_worker, "--threads", "1", app=APP)
    with Client(server) as client:
        client.request(1, f"{path}?{note}", "HEAD")
        assert client.read(client.ended())
        assert client.status() == "200"
        assert not client.found(h2.events.DataReceived)
        assert not client.found(h2.events.StreamReset)
        assert appears(note)
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        if path == "/bodiless":
            assert dict(client.found(h2.events.ResponseReceived, 1)[0].headers)["content-length"] == "200000"


def test_HEAD_on_write_without_an_end_frees_its_thread(start, blocking_worker, note):
    """``write()`` gives no other sign: what has no body is dropped up to a MiB, then the call raises."""
    server = start(*blocking_worker, "--threads", "1", app=APP)
    with Client(server) as client:
        client.request(1, f"/write-without-end?{note}", "HEAD")
        assert client.read(client.ended())
        assert client.status() == "200"
        assert not client.found(h2.events.StreamReset)
        assert appears(note)
        assert note.read_text() == "1048600"
        client.request(3, "/write-a-little", "HEAD")
        assert client.read(client.ended(3))
        assert client.status(3) == "200"
        client.request(5, "/hello")
        assert client.read(client.ended(5))
    assert tracebacks(server) == 0


@pytest.mark.parametrize("path", ["/whole", "/whole-in-parts", "/generated", "/whole-without-length"])
def test_HEAD_has_the_length_of_GET(start, blocking_worker, path):
    with Client(start(*blocking_worker, app=APP)) as client:
        for stream_id, method in ((1, "GET"), (3, "HEAD")):
            client.request(stream_id, path, method)
            assert client.read(client.ended(stream_id))
        [head] = client.found(h2.events.ResponseReceived, 3)
        assert client.body(1)
        assert not client.body(3)
        assert dict(head.headers)["content-length"] == "5"
