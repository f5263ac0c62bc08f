"""docs/security.md, row 31: a setting that reaches every open stream costs little however many there are."""
import time

from fasth2.config import Limits
from tests.support import frames
from tests.support.fields import request
from tests.support.play import server

TOGGLES = b"".join(bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, size))) for size in (1000, 65535) * 100)


def seconds(streams):
    """A read of the toggles, with so many streams open."""
    connection = server(rfc_errors=True, limits=Limits(suspicious_burst=None))
    connection.receive_data(frames.PREFACE + bytes(frames.settings())
                            + b"".join(bytes(request(1 + 2 * n, end_stream=False)) for n in range(streams)))
    start = time.perf_counter()
    connection.receive_data(TOGGLES)
    return time.perf_counter() - start


def test_window_toggling_costs_no_more_than_twice_with_all_streams_open():
    """Against none open; a list of the streams, sorted by number for each frame, took over ten times as long."""
    rounds = [(seconds(0), seconds(100)) for _ in range(40)]
    # The quickest of each, taken in turns: another process slows both.
    none, all_open = map(min, zip(*rounds, strict=True))
    assert all_open < 4 * none
