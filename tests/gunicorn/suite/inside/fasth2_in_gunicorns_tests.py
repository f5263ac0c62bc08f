"""A pytest plugin for gunicorn's tests: fasth2's classes in the place of gunicorn's, and a report as JSON.

It stands in a folder of its own because gunicorn's tests are a package ``tests`` too. It knows
nothing of fasth2's tests. ``FASTH2_REPORT`` names the file for the report:

``tests``
    each test's id, with its outcome (passed, failed, skipped) and why it was skipped or failed.
``classes``
    the classes that gunicorn would make for a connection, before and after the tests.
``gunicorn``
    the version that was imported.
"""
import json
import os

import pytest

import fasth2.gunicorn

fasth2.gunicorn.install()

import gunicorn  # noqa: E402
import gunicorn.http2.async_connection as asynchronous  # noqa: E402
import gunicorn.http2.connection as blocking  # noqa: E402


def classes():
    """Who serves, by name."""
    both = (blocking.HTTP2ServerConnection, asynchronous.AsyncHTTP2Connection)
    return [f"{each.__module__}.{each.__qualname__}" for each in both]


BEFORE = classes()
TESTS = {}


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
        # A test that fails in its teardown has failed.
        TESTS[report.nodeid] = (report.outcome, why)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    with open(os.environ["FASTH2_REPORT"], "w") as file:
        json.dump({"tests": TESTS, "classes": [BEFORE, classes()], "gunicorn": gunicorn.__version__}, file)
