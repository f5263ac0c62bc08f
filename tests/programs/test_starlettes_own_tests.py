"""Starlette's own tests, of its sdist: their client asks uvicorn on fasth2 over HTTP/2 (`starlette_live`)."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, SOURCE
from tests.support.uvicorn_versions import NEWEST

VERSION = re.search(r"^starlette==(.*)$", (ROOT / "requirements" / "programs" / "frameworks.txt").read_text(), re.M)[1]

#: Files that need other packages, and those of WebSockets, which stay in memory: tests/uvicorn has our own.
IGNORED = ("test_websockets.py", "middleware/test_opentelemetry.py", "test_testclient.py")

#: Test to the reason why it cannot be the same over HTTP/2, or over any connection.
DESELECTED = {
    # Malformed requests are reset before an application sees them (RFC 9113 sections 8.1.1 and 8.3.1).
    "middleware/test_body_limit.py::test_received_bytes_are_counted_with_unreliable_content_length": "a wrong content-length",
    **{f"middleware/test_trusted_host.py::test_trusted_host_middleware_ipv6[asyncio-{host}-400]": "no :authority"
       for host in ("[::1]@attacker", "api_service/evil", "api_service?evil", "api_service#evil", "api_service@attacker",
                    "api service")},
    "test_requests.py::test_request_headers": "HTTP/2 has no connection field",
    "test_responses.py::test_response_phrase": "the status 123 is not final",
    "test_requests.py::test_request_send_push_promise": "not offered: browsers dropped it",
    # What the client in memory tells, and httpx does not.
    "middleware/test_gzip.py::test_gzip_trailers": "trailers",
    "middleware/test_gzip.py::test_gzip_excluded_content_type_trailers": "trailers",
    "test_templates.py::test_templates": "templates",
    "test_templates.py::test_calls_context_processors": "templates",
    "test_templates.py::test_template_with_middleware": "templates",
    "test_exceptions.py::test_force_500_response": "an empty 500",
    "test_concurrency.py::test_accessing_context_from_threaded_sync_endpoint": "the context of the test's thread",
    # Users with all rights.
    "test_staticfiles.py::test_staticfiles_with_invalid_dir_permissions_returns_401": "root may read everything",
}


@pytest.mark.ecosystem
def test_starlettes_own_tests(environment):
    folder = ROOT / ".work" / "starlette" / VERSION
    assert folder.is_dir(), f"{folder} is missing: run make starlette-tests"
    # Their package is `tests`, too: the plugin's own folder is on the path.
    paths = (NEWEST.site, environment("frameworks").site, SOURCE, Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir=.", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "no:asyncio",
         "-p", "starlette_live", "--timeout", "60", "-W", "ignore", "-k", "not trio", *(f"--ignore=tests/{name}" for name in IGNORED),
         *(f"--deselect=tests/{name}" for name in DESELECTED), "tests"],
        cwd=folder, capture_output=True, text=True, timeout=800,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))})
    print(done.stdout[-20000:], done.stderr[-5000:])
    assert done.returncode == 0
    assert int(re.search(r"(\d+) requests over HTTP/2", done.stdout)[1]) > 500
