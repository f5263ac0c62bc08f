"""Calls that wait for a free thread: those to slow paths, and those whose body has not come yet."""
from fasth2.wsgi.call cimport Call
from fasth2.wsgi.dispatcher cimport Dispatcher


def run_deferred(Dispatcher dispatcher not None):
    """Run deferred calls while threads are free.

    Returns:
        False when the thread has lost the lead.
    """
    cdef Call call
    while dispatcher.deferred:
        if not dispatcher.may_run_slow():
            return True
        call = dispatcher.deferred.popleft()
        # Before the call runs, since the lead may be lost meanwhile.
        dispatcher.update_calls_waiting()
        if not call.streams.has_stream(call):
            call.streams.drop(call)
            continue
        if not call.streams.may_start():
            call.streams.put_back(call)
            continue
        if not call.run():
            return False
        call.streams.flush()
    return True


def run_uploads(Dispatcher dispatcher not None):
    """Run the calls that read their body while it arrives, while threads are free.

    Returns:
        False when the thread has lost the lead.
    """
    cdef Call call
    while dispatcher.uploads.waiting and dispatcher.may_run_upload():
        call = dispatcher.uploads.first()
        dispatcher.update_calls_waiting()
        if not call.streams.has_stream(call):
            call.streams.drop(call)
            continue
        if not call.streams.may_start():
            dispatcher.uploads.hold_back(call.upload)
            call.streams.put_back(call)
            continue
        if not call.run():
            return False
        call.streams.flush()
        if dispatcher.threads == 1:
            # Complete requests go first.
            break
    return True


def run_waiting(Dispatcher dispatcher not None):
    """Run deferred calls and waiting uploads while threads are free.

    Returns:
        False when the thread has lost the lead.
    """
    return run_deferred(dispatcher) and run_uploads(dispatcher)
