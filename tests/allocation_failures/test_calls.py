"""Each allocation of a scenario fails in turn, alone or with all after it: no crash, and nothing half-done.

Each scenario has a process of its own.

After a failure in a call that sends, the same call made again succeeds and the
output is what it would have been. After a failure in a call that reads, the
connection is over: GOAWAY INTERNAL_ERROR, later input ignored.
"""
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]

PRELUDE = """
    import faulthandler
    import _testcapi
    from fasth2.config import H2Configuration
    from fasth2.connection import H2Connection
    from tests.support import frames
    from tests.support.fields import block, in_frames, request, request_fields
    from tests.support.frames import PREFACE, FrameReader

    faulthandler.enable()
    CONFIG = H2Configuration(client_side=False, rfc_errors=True)
    REQUEST = bytes(request(1, ("x-some-field", "some value"), ("cookie", "a=b"), ("cookie", "c=d"), end_stream=False))
    MORE = b"".join(bytes(frame) for frame in [
        frames.data(1, b"d" * 3000), frames.priority(1), frames.ping(b"12345678"), frames.settings((4, 70000), (1, 100)),
        frames.window_update(1, 9), frames.unknown(payload=b"u" * 100), frames.headers(3, block(request_fields(method=None))),
        *in_frames(5, block(request_fields(("x-other", "v" * 300))), 50), request(7), frames.rst_stream(7),
        frames.data(1, b"", end_stream=True)])
    OCTETS = REQUEST + MORE

    def fail_each(make, act, check):
        '''Runs act(make()) with the nth allocation failing, and with all from it on, for each n until it succeeds.'''
        failures = succeeded = 0
        for n in range(1, 5000):
            for stop in (n + 1, 0):
                subject = make()
                result = None
                _testcapi.set_nomemory(n, stop)
                try:
                    try:
                        result = act(subject)
                    finally:
                        _testcapi.remove_mem_hooks()
                except MemoryError:
                    failures += 1
                check(subject, result)
            # Where all fail, only what is absorbed can.
            succeeded = 0 if result is None else succeeded + 1
            if succeeded > 20:
                break
        print(failures)
"""


def child(script):
    """Runs a script after PRELUDE in another interpreter and returns what it printed."""
    code = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


def test_making_a_connection():
    """The constructor and the first SETTINGS."""
    [failures] = child("""
        def make():
            return []

        def act(kept):
            kept.append(H2Connection(CONFIG))
            kept[0].initiate_connection()
            return kept[0].data_to_send()

        def check(kept, output):
            assert output is None or output.startswith(b"\\0\\0")
            kept.clear()

        fail_each(make, act, check)
    """)
    assert int(failures) > 5


def test_receiving():
    """Every kind of frame; a failure ends the connection and the exception still has events."""
    for method in ("receive_data", "ready_requests"):
        [failures] = child(f"""
            def make():
                connection = H2Connection(CONFIG)
                connection.initiate_connection()
                connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
                connection.data_to_send()
                return connection

            def act(connection):
                return connection.{method}(OCTETS)

            def check(connection, result):
                output = connection.data_to_send()
                if result is None and connection.highest_inbound_stream_id:
                    assert connection.{method}(OCTETS) == []
                    sent = FrameReader().read(output)
                    assert (sent[-1].kind, sent[-1].error_code) == ("GOAWAY", 2), sent
                else:
                    # Nothing was read, or all.
                    FrameReader().read(output)

            fail_each(make, act, check)
        """)
        assert int(failures) > 10


def test_receiving_octet_by_octet():
    """The read buffer grows."""
    [failures] = child("""
        OCTETS = REQUEST + bytes(frames.data(1, b"d" * 200)) + bytes(frames.headers(3, b"\\x82", end_headers=False))

        def make():
            connection = H2Connection(CONFIG)
            connection.initiate_connection()
            connection.receive_data(PREFACE + frames.settings())
            return connection

        def act(connection):
            for at in range(0, len(OCTETS), 7):
                connection.receive_data(OCTETS[at:at + 7])
            return True

        def check(connection, result):
            connection.receive_data(b"x")
            connection.data_to_send()

        fail_each(make, act, check)
    """)
    assert int(failures) > 10


def test_calls_that_send_can_be_made_again():
    """Nothing half-sent: output after a failure and a second try is the output without a failure."""
    printed = child("""
        # Made beforehand: CPython 3.12.1 and 3.13.0 crash where a generator expression finds no memory.
        LARGE = [(":status", "200"), *(("x-%d" % n, "v" * 300) for n in range(90))]
        PUSHED = request_fields(("x-pushed", "v" * 100))
        CALLS = {
            "send_headers": lambda c: c.send_headers(1, [(":status", "200"), ("x-one", "1" * 200), ("x-two", "2")]),
            "respond": lambda c: c.respond(1, 200, [("x-one", "1" * 200)], b"body" * 100, trailers=[("t", "1")]),
            "respond and copy": lambda c: c.respond(1, 200, [("x-one", "1")], bytearray(b"body" * 1000)),
            "large headers": lambda c: c.send_headers(1, LARGE),
            "ping": lambda c: c.ping(b"12345678"),
            "settings": lambda c: c.update_settings({3: 5, 4: 9}),
            "reset": lambda c: c.reset_stream(1, 8),
            "goaway": lambda c: c.close_connection(0, b"bye" * 50),
            "window": lambda c: c.increment_flow_control_window(5, 1),
            "altsvc": lambda c: c.advertise_alternative_service(b"h2", origin=b"o" * 100),
            "push": lambda c: c.push_stream(1, 2, PUSHED),
        }

        def make():
            connection = H2Connection(CONFIG)
            connection.initiate_connection()
            connection.receive_data(PREFACE + frames.settings() + frames.settings_ack() + REQUEST)
            connection.data_to_send()
            return connection

        for name, call in CALLS.items():
            expected = make()
            call(expected)
            state = (expected.local_settings.max_concurrent_streams, sorted(expected.streams))
            expected = expected.data_to_send()

            def check(connection, result):
                if result is None:
                    call(connection)
                assert (connection.local_settings.max_concurrent_streams, sorted(connection.streams)) == state, name
                assert connection.data_to_send() == expected, name

            def act(connection):
                call(connection)
                return True

            fail_each(make, act, check)
    """)
    assert len(printed) == 11
    assert sum(int(failures) for failures in printed) > 30


def test_queued_bodies_survive_a_failure_in_pull():
    """Output that couldn't be made is made later."""
    [failures] = child("""
        BODY = bytes(range(256)) * 100

        def make():
            connection = H2Connection(CONFIG)
            connection.initiate_connection()
            connection.receive_data(PREFACE + frames.settings() + request(1) + request(3))
            connection.respond(1, 200, [("x", "1")], BODY, trailers=[("t", "v" * 50)])
            connection.respond(3, 200, [("x", "1")], BODY[:9000])
            return connection

        def act(connection):
            return connection.pull()

        def check(connection, output):
            rest = connection.pull()
            if output is None and rest == b"":
                # The last step failed, the output was lost and the connection with it.
                assert connection.receive_data(bytes(frames.ping())) == []
                return
            sent = FrameReader().read((output or b"") + rest)
            body = {n: b"".join(one.data for one in sent if one.kind == "DATA" and one.stream_id == n) for n in (1, 3)}
            assert body == {1: BODY, 3: BODY[:9000]}
            assert [one.kind for one in sent if one.stream_id == 1][-1] == "HEADERS"

        fail_each(make, act, check)
    """)
    assert int(failures) > 2


def test_write():
    """Joining chunks and copying buffers."""
    [failures] = child("""
        def make():
            connection = H2Connection(CONFIG)
            connection.initiate_connection()
            connection.receive_data(PREFACE + frames.settings((4, 0)) + request(1))
            connection.respond(1, 200, [], end_stream=False)
            connection.data_to_send()
            return connection

        PIECES = [b"one", bytearray(b"two"), b"three" * 100]

        def act(connection):
            for piece in PIECES:
                connection.write(1, piece)
            return True

        def check(connection, result):
            queued = connection.unsent(1)
            assert queued in (0, 3, 6, 506)
            connection.receive_data(bytes(frames.window_update(1, 10000)))
            sent = FrameReader().read(connection.pull())
            assert b"".join(one.data for one in sent if one.kind == "DATA") == b"".join(PIECES)[:queued]

        fail_each(make, act, check)
    """)
    assert int(failures) > 2
