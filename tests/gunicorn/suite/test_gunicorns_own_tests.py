"""gunicorn's own HTTP/2 tests pass on fasth2, but for those that replace a part of its class's inside.

`deselected.txt` has those, each with its reason; `counts.json` says how many tests there are and which
gunicorn itself skips. Both are exact, because the versions are.
"""
from collections import Counter

import pytest

from tests.gunicorn.suite.suite import deselected, recorded, run
from tests.support.gunicorn_versions import NEWEST, VERSIONS

LINE = "HTTP/2 by fasth2 "

_FLOOD = "tests/test_http2_live.py::test_control_frame_flood_closes_with_enhance_your_calm"

#: Tests that depend on the machine's speed. The first pauses the transport five milliseconds after the application
#: began, and wants no octet of the answer later: the answer may be half written by then. The second reads what was
#: written after 25 milliseconds without asking whether the application has begun. The others make 20,000 frames before
#: they send the first one; where that takes a second, the server's ``--keep-alive``, the connection is closed as idle.
RACY = {
    "tests/test_http2_h2c.py::TestH2CASGIContract::test_a_paused_transport_stops_reading_too",
    "tests/test_http2_h2c.py::TestH2CASGIResponseSendIsAtomic::test_empty_final_body_message_ends_the_stream",
    *(f"{_FLOOD}[{worker}]" for worker in ("gthread", "gevent", "asgi")),
}


@pytest.fixture(scope="module", params=VERSIONS, ids=str)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def result(version, tmp_path_factory):
    return run(version, tmp_path_factory.mktemp("gunicorns_tests"))


def test_gunicorns_tests_that_apply_pass(version, result):
    failed = {test: result.tests[test][1] for test in result.with_outcome("failed") - set(deselected(version)) - RACY}
    assert not failed, "\n\n".join(f"{test}\n{why}" for test, why in failed.items())


def test_none_is_missing(version, result):
    assert result.gunicorn == version.name
    assert len(result.tests) == recorded(version)["tests"], result.output


def test_those_are_skipped_that_gunicorn_skips_on_its_own_classes(version, result):
    reasons = Counter(result.tests[test][1].removeprefix("Skipped: ") for test in result.with_outcome("skipped"))
    assert reasons == recorded(version)["skipped"]


def test_what_cannot_apply_is_still_there_and_little(version, result):
    names = set(deselected(version))
    assert names <= result.with_outcome("failed"), f"gone, or passes: {names - result.with_outcome('failed')}"
    assert len(names) < 0.03 * len(result.tests)


def test_gunicorns_tests_ran_on_fasth2s_classes(version, result):
    classes = ["fasth2.gunicorn.dropin.connection.HTTP2ServerConnection",
               "fasth2.gunicorn.dropin.async_connection.AsyncHTTP2Connection"]
    assert result.classes == [classes, classes]
    assert all(LINE in log for log in result.logs)


def test_the_tests_that_start_gunicorn_pass_with_fasth2s_workers(tmp_path):
    result = run(NEWEST, tmp_path, config="fasth2_workers", live=True)
    names = [name for name in deselected(NEWEST) if "test_http2_live.py" in name]
    assert result.with_outcome("failed") <= set(names) | RACY, result.output
    assert len(result.with_outcome("passed") | RACY) >= 40
    assert len(result.logs) == 3
    for log in result.logs:
        assert LINE in log
        assert "This is a fasth2.gunicorn." in log
