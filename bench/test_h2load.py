"""What is made of h2load's output."""
import pytest

from .h2load import parse
from .serving import Failed

PRINTED = """\
Cipher: TLS_AES_128_GCM_SHA256
finished in {time}, 59.00 req/s, 1.78KB/s
requests: {total} total, {started} started, {done} done, {succeeded} succeeded, {failed} failed, 0 errored, 0 timeout
status codes: {good} 2xx, 0 3xx, 0 4xx, {bad} 5xx
traffic: 1.78KB (1820) total, 713B (713) headers (space savings 90.42%), 767B ({data}) data
"""


def printed(**changes):
    usual = {"time": "850.50ms", "total": 59, "started": 59, "done": 59, "succeeded": 59, "failed": 0, "good": 59,
             "bad": 0, "data": 59 * 13}
    return PRINTED.format(**{**usual, **changes})


def test_all_answered():
    report = parse(printed(), 13)
    assert report == (59, 0, 0.8505, "TLS_AES_128_GCM_SHA256")
    assert report.rate == pytest.approx(59 / 0.8505)


@pytest.mark.parametrize(("time", "seconds"), [("93us", 93e-6), ("2.02s", 2.02), ("1m3.50s", 63.5)])
def test_times(time, seconds):
    assert parse(printed(time=time), 13).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(("changes", "lost"), [
    ({"done": 58, "succeeded": 58, "good": 58, "data": 58 * 13}, 1),
    ({"succeeded": 57, "failed": 2, "data": 57 * 13}, 2),
    ({"good": 56, "bad": 3, "data": 56 * 13 + 3}, 3),
])
def test_lost(changes, lost):
    assert parse(printed(**changes), 13)[:2] == (59 - lost, lost)


@pytest.mark.parametrize("data", [59 * 13 - 1, 59 * 13 + 1])
def test_answers_of_another_length(data):
    with pytest.raises(Failed, match="octets in 59 answers of 13"):
        parse(printed(data=data), 13)


def test_by_time_what_its_ends_cut_is_not_lost():
    output = printed(started=63, good=56, data=70 * 13)
    assert parse(output, 13, by_time=True)[:2] == (59, 0)


@pytest.mark.parametrize("changes", [{"succeeded": 58, "failed": 1}, {"good": 58, "bad": 1}])
def test_by_time_lost(changes):
    assert parse(printed(**changes), 13, by_time=True)[:2] == (58, 1)


def test_something_else():
    with pytest.raises(Failed, match="lacks"):
        parse("", 13)
