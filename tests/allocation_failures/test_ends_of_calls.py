"""A call of the worker's that fails while there is no memory at all ends nevertheless."""
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
    import sys
    import threading
    import _testcapi
    from tests.allocation_failures.scenarios import HELLO, Served, request

    DETACHED = sys.argv[1] == "detached"
    ERROR = ValueError("of the application")
    kept = []

    def application(environ, start_response):
        if DETACHED:
            # Another thread's use takes the lead from this one.
            hints = threading.Thread(target=environ["wsgi.early_hints"], args=([("link", "x")],))
            hints.start()
            hints.join()
        ERROR.__traceback__ = None
        # The interpreter has some tuples at hand, for which it would take no memory.
        kept.extend(tuple([n] * 4) for n in range(5000))
        _testcapi.set_nomemory(0, 0)
        raise ERROR

    served = Served(application, False, DETACHED)
    served.session.feed(HELLO + bytes(request(1)))
    try:
        served.session.run(True)
    except MemoryError:
        pass
    finally:
        _testcapi.remove_mem_hooks()
    assert served.lead.overtaken == DETACHED
    served.site.do_requests()
    assert not served.site.calling
    assert served.session.idle, "the call is kept"
    print(served.engine.open_inbound_streams)
"""


@pytest.mark.parametrize("state", ["detached", "leading"])
def test_a_call_that_fails_without_memory_is_over(state):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(SCRIPT), state], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # Its stream is reset, or there is a response that says so.
    assert done.stdout == "0\n"
