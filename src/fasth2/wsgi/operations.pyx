"""What the leader does for detached calls: the operations that their threads have submitted, and their end."""
cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE

from fasth2._engine.error_codes cimport INTERNAL_ERROR
from fasth2.wsgi.call cimport Call
from fasth2.wsgi.dispatcher cimport OP_CONSUME, OP_INFORM, OP_SEND, PART, Dispatcher


def do_requests(Dispatcher dispatcher not None):
    """Run the operations that detached calls have queued.

    Returns:
        The `CallStreams` that may have output to send.
    """
    cdef Call call
    cdef list touched = []
    if dispatcher.ending is None:
        # Taken before the operations: those of the ended calls are among them then.
        with cython.critical_section(dispatcher):
            dispatcher.ending = dispatcher.ended_calls
            dispatcher.ended_calls = None
    while dispatcher.requests:
        call, what, value, flag = dispatcher.requests.popleft()
        streams = call.streams
        if streams not in touched:
            touched.append(streams)
        try:
            do_request(call, what, value, flag)
        except Exception as error:
            abort_call(call, error)
    while dispatcher.ending is not None:
        call = <Call>dispatcher.ending
        dispatcher.ending = call.next_ended
        call.next_ended = None
        dispatcher.open_calls -= 1
        try:
            call.release()
        except Exception as error:
            abort_call(call, error)
        if call.streams not in touched:
            touched.append(call.streams)
    return touched


cdef int do_request(Call call, int what, object value, bint flag) except -1:
    if what == OP_SEND:
        with cython.critical_section(call):
            call.asked -= PyBytes_GET_SIZE(<bytes>value) + PART
        if call.complete:
            # A write() of another thread, after the end of the response.
            return 0
        call.complete = flag
        if call.streams.send(call, <bytes>value, flag) < 0:
            call.mark_gone()
    elif what == OP_CONSUME:
        if value:
            call.streams.consume(call, value)
        if flag:
            call.streams.extend_window(call)
    elif what == OP_INFORM:
        call.streams.inform(call, value[0], value[1])
    else:
        call.streams.reset(call, value)
    return 0


cdef int abort_call(Call call, object error) except -1:
    """Abort the response: report the error and reset the stream. The call's thread may still be running."""
    call.dispatcher.report_error(call, error)
    call.mark_gone()
    return call.streams.reset(call, INTERNAL_ERROR)


def resume(Dispatcher dispatcher not None):
    """As the new leader: take over the connection of the call that lost the lead."""
    cdef Call call
    cdef object running = dispatcher.leadership.running
    if running is not None:
        call = running
        if call.detached and not call.finished:
            call.streams.adopt(call)
            try:
                call.flush_held()
            except Exception as error:
                abort_call(call, error)
            call.streams.flush()
