"""Streams of which the client takes nothing are reset; those that wait behind others by their priority are not."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.server._call import Site
from fasth2.server._environ import EnvironMaker
from fasth2.server._lead import Lead
from fasth2.server._session import Session
from tests.support import frames
from tests.support.fields import request


def stuck(priorities, window):
    """The streams reset after a minute without a read: 1 and 3 have body and these windows, the connection has none."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="iso8859-1", rfc_errors=True))
    site = Site(lambda environ, start_response: [], Lead(lambda: None), lambda: None, lambda call, error: None, timeout=20.0)
    maker = EnvironMaker({"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {}, lambda name: None, {})
    session = Session(connection, site, maker, lambda *given: None, None)
    connection.initiate_connection()
    connection.receive_data(frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, window))))
    for stream_id, priority in zip((1, 3), priorities):
        connection.receive_data(bytes(request(stream_id, *(("priority", value) for value in priority))))
        connection.respond(stream_id, 200, [], b"x" * 10**6)
    while connection.pull(65536):
        pass
    seen = session.reset_stuck(None, 0.0, 20.0)
    seen = session.reset_stuck(seen, 15.0, 20.0)
    assert set(connection.streams) == {1, 3}
    session.reset_stuck(seen, 10000.0, 20.0)
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
def test_what_is_reset(priorities, window, reset):
    assert stuck(priorities, window) == reset
