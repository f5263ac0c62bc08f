"""A call of the worker's that fails while there is no memory at all ends nevertheless."""
import threading

import pytest

from fasth2.wsgi.operations import do_requests
from tests.support.heap import alone


def fail_without_memory(detached):
    """Have an application raise while no memory is left; return how many streams are open then."""
    import _testcapi

    from .scenarios import HELLO, Served, request

    error = ValueError("of the application")
    kept = []

    def application(environ, start_response):
        if detached:
            # Another thread's use takes the lead from this one.
            hints = threading.Thread(target=environ["wsgi.early_hints"], args=([("link", "x")],))
            hints.start()
            hints.join()
        error.__traceback__ = None
        # The interpreter has some tuples at hand, for which it would take no memory.
        kept.extend(tuple([n] * 4) for n in range(5000))
        _testcapi.set_nomemory(0, 0)
        raise error

    served = Served(application, False, detached)
    served.session.feed(HELLO + bytes(request(1)))
    try:
        served.session.run(True)
    except MemoryError:
        pass
    finally:
        _testcapi.remove_mem_hooks()
    assert served.leadership.handovers == detached
    do_requests(served.dispatcher)
    assert not served.dispatcher.calling
    assert served.session.idle, "the call is kept"
    return served.engine.open_inbound_streams


@pytest.mark.parametrize("detached", [True, False], ids=["detached", "leading"])
def test_a_call_that_fails_without_memory_is_over(detached):
    # Its stream is reset, or there is a response that says so.
    assert alone(fail_without_memory, detached) == 0
