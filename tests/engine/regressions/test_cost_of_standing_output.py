"""Output that is handed out in parts and never empty: what it costs does not grow with what waits."""
import time

import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.play import server


def seconds(waiting):
    """The quickest of some rounds that take as much as they write, with so many frames of 16 KiB waiting."""
    connection = server(rfc_errors=False)
    connection.receive_data(frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1)))
                            + bytes(request(1)) + bytes(frames.window_update(0, 2**31 - 65536)))
    connection.data_to_send()
    connection.send_headers(1, [(":status", "200")])
    for _ in range(waiting):
        connection.send_data(1, b"x" * 16384)
    best = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(2 * waiting):
            connection.data_to_send(9 + 16384)
            connection.send_data(1, b"x" * 16384)
        best.append((time.process_time() - start) / waiting)
    return min(best)


@pytest.mark.thread_unsafe(reason="it measures time")
def test_a_large_standing_output_costs_no_more_than_a_small_one():
    """Moving all of it to the front for each write took a hundred times as long."""
    assert seconds(512) < 12 * seconds(8)
