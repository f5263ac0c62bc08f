"""Objects that go half-way, and objects that stay when others have gone."""
import gc
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.frames import PREFACE
from tests.support.play import server

ROOT = Path(__file__).parents[3]


def start():
    """A connection with the preface behind it."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))
    return connection


HALF_WAY = {
    "in the preface": lambda: server().receive_data(PREFACE[:10]),
    "in a frame's header": lambda: start().receive_data(b"\0\0\5"),
    "in a frame's payload": lambda: start().receive_data(frames.ping().cut(12)),
    "in a large payload": lambda: start().receive_data(frames.data(1, b"x" * 16000).cut(9000)),
    "in a field block": lambda: start().receive_data(bytes(frames.headers(1, b"\x82", end_headers=False))),
    "with output unread": lambda: start().ping(b"12345678"),
    "right after it was made": lambda: server(),
}


@pytest.mark.parametrize("where", sorted(HALF_WAY))
def test_a_connection_may_go_at_any_moment(where):
    """Dropped where it stands, many times."""
    for _ in range(200):
        HALF_WAY[where]()


def test_a_connection_goes_with_queued_bodies_and_trailers():
    """The application's bytes are released."""
    body = b"b" * 50000
    before = sys.getrefcount(body)
    for _ in range(50):
        connection = start()
        connection.receive_data(b"".join(bytes(request(n)) for n in (1, 3, 5)))
        for stream_id in (1, 3, 5):
            connection.respond(stream_id, 200, [("x", "y")], body, trailers=[("t", "1")])
        connection.pull(100)
    del connection
    assert sys.getrefcount(body) == before


def test_events_outlive_their_connection():
    """They own what they show."""
    connection = start()
    events = connection.receive_data(request(1, ("x-long", "v" * 200), end_stream=False) + frames.data(1, b"d" * 200)
                                     + frames.unknown(payload=b"u" * 200) + frames.goaway(debug=b"g" * 200))
    del connection
    gc.collect()
    assert events[0].headers[-1] == (b"x-long", b"v" * 200)
    assert events[1].data == b"d" * 200
    assert events[2].frame.body == b"u" * 200
    assert events[3].additional_data == b"g" * 200


def test_header_objects_outlive_the_table_that_made_them():
    """An entry that was evicted, in a list that somebody kept."""
    connection = start()
    kept = []
    for n in range(1, 401, 2):
        fields = request_fields((f"x-{n}", "v" * 500))
        [event, _] = connection.receive_data(bytes(frames.headers(n, block(fields), end_stream=True)))
        kept.append((event.headers, fields))
        connection.reset_stream(n)
    del connection
    gc.collect()
    for headers, fields in kept:
        assert [tuple(header) for header in headers] == fields


def test_stream_objects_outlive_their_connection_and_their_stream():
    """What ``streams`` gave can still be looked at."""
    connection = start()
    connection.receive_data(request(1) + request(3))
    one, three = connection.streams[1], connection.streams[3]
    connection.reset_stream(1)
    assert one.closed
    assert not three.closed
    del connection
    gc.collect()
    assert one.stream_id == 1
    assert three.open in (True, False)
    assert repr(one)
    assert repr(three)


def test_settings_objects_outlive_their_connection():
    """Mappings of their own."""
    connection = start()
    local, remote = connection.local_settings, connection.remote_settings
    del connection
    gc.collect()
    assert local.max_concurrent_streams == 100
    assert remote.initial_window_size == 0


def test_a_cycle_through_the_clock_is_collected():
    """A clock that holds its connection is garbage with it."""
    class Owner:
        def clock(self):
            return 0.0

    owner = Owner()
    owner.connection = server(clock=owner.clock)
    owner.connection.receive_data(PREFACE + frames.settings() + request(1))
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_an_exception_keeps_its_events_when_the_connection_is_gone():
    """And no connection alive by its traceback once that is cleared."""
    connection = start()
    try:
        connection.receive_data(request(1) + frames.ping(b"bad"))
    except Exception as error:
        kept = error.with_traceback(None)
    del connection
    gc.collect()
    assert [type(event).__name__ for event in kept.events] == ["RequestReceived", "StreamEnded"]


def survives(script):
    """Runs a script in another interpreter, which must not crash, and returns what it printed."""
    code = textwrap.dedent("""
        import faulthandler
        faulthandler.enable()
        from fasth2.config import H2Configuration
        from fasth2.connection import H2Connection
        from tests.support import frames
        from tests.support.fields import request
        from tests.support.frames import PREFACE
        CONFIG = H2Configuration(client_side=False)
        CALLS = {
            "receive": lambda c: c.receive_data(PREFACE + frames.settings() + request(1)),
            "ready": lambda c: c.ready_requests(PREFACE + frames.settings() + request(1)),
            "initiate": lambda c: c.initiate_connection(), "upgrade": lambda c: c.initiate_upgrade_connection(),
            "output": lambda c: c.data_to_send(), "pull": lambda c: c.pull(5),
            "headers": lambda c: c.send_headers(1, [(":status", "200")]), "data": lambda c: c.send_data(1, b"x"),
            "end": lambda c: c.end_stream(1), "respond": lambda c: c.respond(1, 200, [], b"x"),
            "write": lambda c: c.write(1, b"x"), "unsent": lambda c: c.unsent(1), "consume": lambda c: c.consume(1, 1),
            "acknowledge": lambda c: c.acknowledge_received_data(1, 1), "reset": lambda c: c.reset_stream(1),
            "increment": lambda c: c.increment_flow_control_window(1), "ping": lambda c: c.ping(b"12345678"),
            "settings": lambda c: c.update_settings({3: 5}), "close": lambda c: c.close_connection(),
            "altsvc": lambda c: c.advertise_alternative_service(b"x", origin=b"y"),
            "push": lambda c: c.push_stream(1, 2, []), "next": lambda c: c.get_next_available_stream_id(),
            "clear": lambda c: c.clear_outbound_data_buffer(), "local": lambda c: c.local_flow_control_window(1),
            "remote": lambda c: c.remote_flow_control_window(1), "streams": lambda c: list(c.streams.items()),
            "counters": lambda c: c.counters, "repr": repr, "config": lambda c: c.config,
            "local settings": lambda c: c.local_settings, "remote settings": lambda c: c.remote_settings,
            "open": lambda c: (c.open_inbound_streams, c.open_outbound_streams),
            "windows": lambda c: (c.inbound_flow_control_window, c.outbound_flow_control_window),
        }

        def attempt(call, connection):
            try:
                call(connection)
            except Exception:
                pass
    """) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_a_connection_that_is_initialised_again_does_not_crash():
    """``__init__`` called twice: a new start or an error."""
    assert survives("""
        for call in CALLS.values():
            connection = H2Connection(CONFIG)
            connection.initiate_connection()
            connection.receive_data(PREFACE + frames.settings((4, 0)) + request(1) + frames.ping().cut(12))
            connection.respond(1, 200, [], b"x" * 1000)
            streams = connection.streams
            attempt(lambda c: c.__init__(CONFIG), connection)
            attempt(call, connection)
            attempt(call, connection)
            attempt(lambda c: c.pull(), connection)
        print("done")
    """) == ["done"]


def test_a_connection_that_was_never_initialised_does_not_crash():
    """``__new__`` alone, and a subclass that forgets its super's ``__init__``."""
    assert survives("""
        class Forgetful(H2Connection):
            def __init__(self):
                self.mine = 5

        for name, call in CALLS.items():
            connection = H2Connection.__new__(H2Connection)
            attempt(call, connection)
            connection = Forgetful()
            assert connection.mine == 5
            attempt(call, connection)
            attempt(CALLS["output"], connection)
        print("done")
    """) == ["done"]


def test_an_initialisation_that_fails_leaves_an_object_that_does_not_crash():
    """A configuration that breaks half-way."""
    assert survives("""
        class Broken:
            def __init__(self, name):
                self.name = name
            def __getattr__(self, name):
                if name == self.name:
                    raise ZeroDivisionError
                return getattr(CONFIG, name)

        for name in ("client_side", "limits", "clock", "header_encoding", "logger", "rfc_errors", "header_fallback_encoding",
                     "validate_inbound_headers", "normalize_inbound_headers", "split_outbound_cookies"):
            connection = H2Connection.__new__(H2Connection)
            attempt(lambda c: c.__init__(Broken(name)), connection)
            for call in CALLS.values():
                attempt(call, connection)
        print("done")
    """) == ["done"]
