"""Objects that a connection hands out, used by several threads at once: never a crash, and nothing made of two halves."""
import copy
import pickle
import random

import pytest

from fasth2 import events
from fasth2._engine.settings import ChangedSetting, SettingCodes, Settings
from fasth2.exceptions import InvalidSettingsValueError
from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE
from tests.support.play import server
from tests.support.threads import rounds, together

ROUNDS = rounds(200)

EVENTS = [
    events.RequestReceived(stream_id=1, headers=[(b"a", b"b")], stream_ended=events.StreamEnded(stream_id=1)),
    events.DataReceived(stream_id=1, data=b"data", flow_controlled_length=4),
    events.StreamReset(stream_id=1, error_code=8, remote_reset=True),
    events.UnknownFrameReceived(frame=events.ExtensionFrame(7, 1)) if hasattr(events, "ExtensionFrame")
    else events.PingReceived(ping_data=b"12345678"),
    events.RemoteSettingsChanged.from_settings({}, {3: 100}),
    ChangedSetting(SettingCodes.MAX_FRAME_SIZE, 16384, 20000),
]


def names_of(thing):
    """The names of an event's attributes."""
    return getattr(thing, "_fields", None) or ("setting", "original_value", "new_value")


@pytest.mark.parametrize("thing", EVENTS, ids=lambda thing: type(thing).__name__)
def test_attributes_of_events_are_read_and_assigned_at_once(thing):
    """A reader sees a whole value that somebody assigned, or the first one."""
    names = names_of(thing)
    first = {name: getattr(thing, name) for name in names}

    def assign():
        for n in range(ROUNDS):
            for name in names:
                setattr(thing, name, f"{name} {n}")
            if n % 50 == 0:
                for name in names:
                    delattr(thing, name)

    def read():
        for _ in range(ROUNDS):
            for name in names:
                value = getattr(thing, name)
                assert value is None or value == first[name] or value.startswith(f"{name} "), (name, value)

    together(assign, assign, read, read)
    for name in names:
        setattr(thing, name, first[name])


def test_events_are_initialised_at_once_and_then_compared_and_copied():
    """`__init__`; ``==``, `repr`, `copy` and `pickle` on one object."""
    event = events.DataReceived(stream_id=1, data=b"d" * 50, flow_controlled_length=4)
    same = events.DataReceived(stream_id=1, data=b"d" * 50, flow_controlled_length=4)

    def initialise():
        for _ in range(ROUNDS):
            event.__init__(stream_id=1, data=bytes(b"d" * 50), flow_controlled_length=4)

    def look():
        for _ in range(ROUNDS):
            assert event == same
            assert "stream_id:1" in repr(event)
            assert copy.copy(event) == same
            assert pickle.loads(pickle.dumps(event)) == same

    together(initialise, initialise)
    together(look, look)


def test_slim_objects_are_read_at_once():
    """Their attributes cannot be assigned; the last thread to let go of one frees it."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings())
    for stream_id in range(1, 2 * rounds(40), 2):
        things = connection.ready_requests(request(stream_id, ("x", "y" * 50), end_stream=False)
                                           + frames.data(stream_id, b"data", end_stream=True))
        connection.reset_stream(stream_id)
        connection.data_to_send()

        def look(kept=things):
            things = list(kept)
            kept.clear()
            for thing in things:
                assert thing.stream_id
                assert repr(thing)
                assert thing.headers[-1] == (b"x", b"y" * 50) if thing.kind == 0 else thing.data == b"data"
            return len(things)

        together(*[look] * 3)


def test_settings_are_assigned_acknowledged_and_read_at_once():
    """Values are those that somebody assigned; what was assigned last is current once all is acknowledged."""
    settings = Settings(client=True, initial_values={3: 1})

    def assign(number):
        def target():
            chance = random.Random(number)
            for n in range(ROUNDS):
                settings[chance.choice((3, 4, 5, 6, 1, 99))] = 16384 if n % 3 else 16385
                try:
                    settings.max_frame_size = chance.choice((1, 20000))
                except InvalidSettingsValueError:
                    pass
                if n % 40 == 0:
                    # Never one that was not assigned yet.
                    settings.max_concurrent_streams = 16384
                    try:
                        del settings[3]
                    except KeyError:
                        pass
        return target

    def acknowledge():
        for _ in range(ROUNDS):
            for change in settings.acknowledge().values():
                assert change.new_value in (0, 1, 16384, 16385, 20000)

    def read():
        for _ in range(ROUNDS):
            try:
                dict(settings), len(settings), settings == settings, copy.copy(settings), pickle.dumps(settings)
            except (KeyError, RuntimeError):
                # It changed while it was read.
                pass
            assert settings.max_frame_size in (16384, 16385, 20000)
            assert settings.max_concurrent_streams in (1, 16384, 16385, 2**32 + 1)
            settings._mirrors()

    together(assign(1), assign(2), acknowledge, acknowledge, read)
    while settings.acknowledge():
        pass
    current = dict(settings)
    for code, value in settings._mirrors().items():
        if code in current:
            assert int(value) == current[code]


def test_settings_are_started_afresh_at_once():
    """`__init__` and `__setstate__` of an object that others read."""
    settings = Settings(client=True)
    state = settings.__reduce__()[2]

    def start():
        for _ in range(ROUNDS):
            settings.__init__(client=True, initial_values={3: 5})
            settings.__setstate__(state)

    def read():
        for _ in range(ROUNDS):
            settings.get(4), repr(settings), settings._mirrors()

    together(start, start, read, read)
    settings.__setstate__(state)
    assert settings == Settings(client=True)


def test_an_encoder_and_a_decoder_that_threads_share():
    """Neither breaks, and both work when the threads are through."""
    encoder, decoder = Encoder(), Decoder()

    def encode(number):
        def target():
            for n in range(ROUNDS):
                fields = [(b"x-%d" % (n % 40), b"value %d" % number), (b"x-thread", b"%d" % number)]
                assert encoder.encode(fields)
                encoder.header_table_size = 4096 - number
                assert len(encoder.header_table.dynamic_entries) <= 4096 // 32
        return target

    def look():
        for _ in range(ROUNDS):
            repr(encoder.header_table), encoder.max_table_size, encoder.header_table_size

    together(encode(1), encode(2), encode(3), look)
    encoder.header_table_size = 0
    fields = [(b"after", b"all")]
    assert Decoder().decode(encoder.encode(fields), raw=True) == fields

    block = Encoder().encode([(b"name", b"value")])

    def decode():
        done = 0
        for _ in range(ROUNDS):
            try:
                assert decoder.decode(block, raw=True) == [(b"name", b"value")]
                done += 1
            except RuntimeError:
                # Another thread was in the middle of it.
                pass
        return done

    def resize():
        for n in range(ROUNDS):
            decoder.header_table_size = n % 4096
            repr(decoder.header_table), decoder.max_header_list_size, decoder.max_string
            decoder.max_allowed_table_size = 4096

    assert sum(together(decode, decode, resize)[:2]) > 0


def test_stream_objects_are_looked_at_while_their_connection_works():
    """Their numbers are some that they had."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack() + request(1, end_stream=False))
    connection.respond(1, 200, [("x", "y")], b"", end_stream=False)
    stream = connection.streams[1]
    done = []

    def work():
        for _ in range(ROUNDS):
            connection.write(1, b"d" * 100)
            connection.pull()
            connection.receive_data(frames.window_update(1, 100) + frames.window_update(0, 100) + frames.data(1, b"d"))
        connection.reset_stream(1)
        done.append(True)

    def look():
        while not done:
            assert stream.unsent in (0, 100)
            assert stream.outbound_flow_control_window in (65535, 65435)
            assert stream.state.name in ("OPEN", "CLOSED")
            assert stream.stream_id == 1

    together(work, look, look)
    assert stream.closed
