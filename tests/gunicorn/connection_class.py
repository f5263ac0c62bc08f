"""Which class the tests of this directory make connections of, and in which of gunicorn's versions they apply.

`test_every_version` runs them again under other versions, and those of `test_faults_of_gunicorns_class` with
gunicorn's own class, by setting the environment.
"""
import os

import pytest

from fasth2.gunicorn import HTTP2ServerConnection
from fasth2.gunicorn.dropin.contract import STOCK, installed

#: gunicorn's own class where the environment says so.
CLASS = STOCK if os.environ.get("FASTH2_TEST_STOCK") == "1" else HTTP2ServerConnection

CONTRACT = installed()

on_headers = pytest.mark.skipif(not CONTRACT.dispatches_on_headers, reason="this gunicorn dispatches whole requests")
on_the_end = pytest.mark.skipif(CONTRACT.dispatches_on_headers, reason="this gunicorn dispatches on headers")
in_parts = pytest.mark.skipif(not CONTRACT.streams_responses, reason="this gunicorn sends whole responses")
in_one_piece = pytest.mark.skipif(CONTRACT.streams_responses, reason="this gunicorn sends responses in parts")
