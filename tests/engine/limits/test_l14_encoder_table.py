"""L14: the encoder's dynamic table, 4096 octets whatever the peer asks for."""
import pytest

from tests.support import frames
from tests.support.fields import request

from .flood import Victim, both_modes


def answer(victim, stream_id, count=60):
    """A response with many different fields; the reader's table shows what the encoder uses."""
    fields = [(":status", "200"), *((f"x-field-{stream_id}-{n}", "v" * 100) for n in range(count))]
    victim.connection.send_headers(stream_id, fields, end_stream=True)
    [sent] = victim.output()
    assert sent.fields == tuple((name.encode(), value.encode()) for name, value in fields)


@both_modes
@pytest.mark.parametrize("asked", [4097, 65536, 2**32 - 1])
def test_the_table_never_grows_above_the_limit(asked, rfc_errors):
    """No error: the peer may ask, the encoder needn't."""
    victim = Victim(rfc_errors)
    victim.reader.decoder.max_allowed_table_size = asked
    victim.endures(frames.settings((frames.HEADER_TABLE_SIZE, asked)), request(1), request(3))
    answer(victim, 1)
    answer(victim, 3)
    assert victim.reader.decoder.header_table_size <= 4096
    assert victim.connection.counters == {}


@both_modes
@pytest.mark.parametrize("asked", [0, 100, 3686])
def test_smaller_tables_are_respected(asked, rfc_errors):
    """min(peer's, 4096)."""
    victim = Victim(rfc_errors)
    victim.endures(request(1), request(3))
    answer(victim, 1)
    victim.reader.decoder.max_allowed_table_size = asked
    victim.endures(frames.settings((frames.HEADER_TABLE_SIZE, asked)))
    answer(victim, 3)
    assert victim.reader.decoder.header_table_size == asked


@both_modes
def test_the_setting_changes_it_and_none_switches_it_off(rfc_errors):
    """A table of 1000 octets; one as large as the peer allows."""
    for limit, size in ((1000, 1000), (8192, 8192), (None, 65536)):
        victim = Victim(rfc_errors, encoder_table_size=limit)
        victim.reader.decoder.max_allowed_table_size = 65536
        victim.endures(frames.settings((frames.HEADER_TABLE_SIZE, 65536)), request(1))
        answer(victim, 1)
        assert victim.reader.decoder.header_table_size == size


@both_modes
def test_flipping_the_size_between_responses_leaves_them_decodable(rfc_errors):
    """docs/security.md, row 23: any sequence."""
    victim = Victim(rfc_errors)
    victim.reader.decoder.max_allowed_table_size = 2**32 - 1
    for n in range(60):
        size = (0, 2**32 - 1, 64, 4096, 1, 65536)[n % 6]
        victim.endures(frames.settings((frames.HEADER_TABLE_SIZE, size)), request(2 * n + 1))
        answer(victim, 2 * n + 1, 10)
    assert victim.connection.counters == {}
