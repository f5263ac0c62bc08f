"""Streams of which the client takes nothing are reset; those that wait behind others by their priority are not."""
import pytest

from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import EnvironMaker
from fasth2.wsgi.leader import Leadership
from fasth2.wsgi.session import Session
from tests.support import frames
from tests.support.fields import request
from tests.support.wsgi_protocol import protocol


def begun(priorities, window):
    """A session whose streams 1 and 3 have body and these windows; the connection's is used up."""
    dispatcher = Dispatcher(lambda environ, start_response: [], Leadership(lambda: None), lambda: None,
                            lambda call, error: None, timeout=20.0)
    maker = EnvironMaker({"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {}, lambda name: None, {})
    session = Session(protocol(), dispatcher, maker, lambda *given: None, None)
    connection = session.connection
    connection.initiate_connection()
    connection.receive_data(frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, window))))
    for stream_id, priority in zip((1, 3), priorities):
        connection.receive_data(bytes(request(stream_id, *(("priority", value) for value in priority))))
        connection.respond(stream_id, 200, [], b"x" * 10**6)
    while connection.pull(65536):
        pass
    return session


def stuck(priorities, window):
    """The streams reset after a minute without a read."""
    session = begun(priorities, window)
    connection = session.connection
    for now in (0.0, 15.0):
        session.reset_stuck(now, 20.0)
    assert set(connection.streams) == {1, 3}
    session.reset_stuck(10000.0, 20.0)
    return {1, 3} - set(connection.streams)


@pytest.mark.parametrize(("priorities", "window", "reset"), [
    ((["u=0"], ["u=7"]), 2**24, {1}),
    ((["u=7"], ["u=0"]), 2**24, {3}),
    ((["u=3"], ["u=3"]), 2**24, {1}),
    (([], []), 2**24, {1, 3}),
    ((["i"], ["i"]), 2**24, {1, 3}),
    # Their own windows are shut: nothing goes before the other.
    ((["u=0"], ["u=7"]), 100, {1, 3}),
])
def test_streams_that_wait_behind_another_are_not_reset_as_stuck(priorities, window, reset):
    assert stuck(priorities, window) == reset


@pytest.mark.parametrize(("priorities", "taken", "waiting"), [
    ((["u=0"], ["u=7"]), 1, 3),
    ((["u=7"], ["u=0"]), 3, 1),
    ((["u=3"], ["u=3"]), 1, 3),
])
def test_a_stream_may_wait_for_another_as_long_as_that_one_goes_on(priorities, taken, waiting):
    session = begun(priorities, 2**24)
    connection = session.connection
    for second in range(60):
        session.reset_stuck(float(second), 5.0)
        assert {taken, waiting} <= set(connection.streams), f"reset after {second} seconds"
        connection.receive_data(bytes(frames.window_update(0, 2000)))
        sent = [frame.stream_id for frame in frames.split_frames(connection.pull(65536)) if frame.type == frames.DATA]
        assert sent == [taken]
    # Nothing is taken any more: the first is reset, and then the other too, once its own time is over.
    for second in range(60, 80):
        session.reset_stuck(float(second), 5.0)
    assert not connection.streams
