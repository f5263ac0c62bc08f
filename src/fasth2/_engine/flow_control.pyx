"""Credit: WINDOW_UPDATE in both directions, and changes of windows by SETTINGS (RFC 9113 section 5.2 and 6.9).

For a buffered body the connection's window is credited when it arrives, so that other bodies are not blocked, and the
stream's when it is read: `return_connection_credit` and `return_stream_credit`. `consume` and `acknowledge` credit
both. Functions called by applications change nothing if memory runs out. `return_unread` and the changes by SETTINGS
run while input is processed, where lack of memory ends the connection, or in an upgrade.
"""
from fasth2._engine.core cimport enter, find_opened, find_stream, leave
from fasth2._engine.errors cimport FAULT_NONE, FAULT_STREAM_WINDOW_OVERFLOW, FAULT_WINDOW_OVERFLOW
from fasth2._engine.limits cimport count_control
from fasth2._engine.stream cimport S_HALF_CLOSED_LOCAL, S_OPEN, stream_has_queue, stream_is_open, stream_may_receive
from fasth2._engine.window_growth cimport LIMIT_CONNECTION, LIMIT_PROCESS, LIMIT_STREAM, WINDOW_PING, WindowGrowth
from fasth2._frames cimport FRAME_HEADER, out_reserve, put_ping
from fasth2._window cimport MAX_WINDOW, ReceiveWindow, window_open, window_process

from fasth2.exceptions import FlowControlError

cdef enum:
    # Octets of a WINDOW_UPDATE frame.
    UPDATE = 13


cdef inline bint is_over(Core c) noexcept:
    """Return True after a GOAWAY with an error code: the connection has ended, and credit would not be used."""
    return c.failed or (c.goaway_error and not c.rfc_errors)


# Credit for the peer

cdef inline int64_t credit_window(Core c, H2Stream s, int64_t size, bint is_read) except -1:
    """Account for octets of a stream, or of the connection (None), and queue WINDOW_UPDATE if one is due.

    is_read: by the application. The caller has reserved memory. Return the increment, 0 for none.
    """
    cdef ReceiveWindow *w = &c.window if s is None else &s.window
    cdef int64_t increment
    if c.growth is None:
        increment = window_process(w, size)
    else:
        increment = process_growing(c, w, size, s is None, is_read)
    if increment:
        c.write_window_update(0 if s is None else s.id, increment)
    return increment


cdef int64_t process_growing(Core c, ReceiveWindow *w, int64_t size, bint is_connection, bint is_read) except -1:
    cdef WindowGrowth growth = c.growth
    cdef int64_t increment = growth.credit(w, size, is_connection, is_read, c.clock)
    cdef int met = growth.clipped & ~growth.counted
    if met:
        # Once a period.
        growth.counted |= met
        try:
            if met & LIMIT_STREAM:
                c.count("stream_window_growth")
            if met & LIMIT_CONNECTION:
                c.count("connection_window_growth")
            if met & LIMIT_PROCESS:
                c.count("process_window_growth")
        except MemoryError:
            pass  # the window has changed already: its credit has to be sent
    return increment


cdef int acknowledge(Core c, int64_t size, uint32_t stream_id) except -1:
    """h2's acknowledge_received_data: credit in portions by h2's policy."""
    return credit_both(c, find_opened(c, stream_id), size, True)


cdef int credit_both(Core c, H2Stream s, int64_t size, bint is_read) except -1:
    """Credit for the connection, and for a stream that is open (or None)."""
    if is_over(c):
        return 0
    out_reserve(&c.out, 2 * UPDATE)
    credit_window(c, None, size, is_read)
    if s is not None and stream_is_open(s):
        credit_window(c, s, size, is_read)
    return 0


cdef int consume(Core c, uint32_t stream_id, int64_t size, bint merge) except -1:
    """Credit octets that the application has read; at once unless `merge`."""
    cdef H2Stream s
    if merge:
        return acknowledge(c, size, stream_id)
    s = find_opened(c, stream_id)
    if size == 0 or is_over(c):
        return 0
    out_reserve(&c.out, 2 * UPDATE)
    if not window_open(&c.window, size):
        raise FlowControlError("Flow control window mustn't exceed 2147483647")
    c.write_window_update(0, size)
    if s is not None and stream_may_receive(s) and window_open(&s.window, size):
        c.write_window_update(stream_id, size)
    return 0


cdef int increment_window(Core c, H2Stream s, int64_t size) except -1:
    """Increase the receive window of a stream, or of the connection (None)."""
    out_reserve(&c.out, UPDATE)
    if not window_open(&c.window if s is None else &s.window, size):
        raise FlowControlError(f"Flow control window mustn't exceed {MAX_WINDOW}")
    return c.write_window_update(0 if s is None else s.id, size)


cdef int return_unread(Core c, uint32_t octets) except -1:
    """Credit the connection's window for octets that will not be read."""
    if credit_window(c, None, octets, False):
        count_control(&c.limits, UPDATE)
    return 0


cdef int change_receive_windows(Core c, int64_t old, int64_t new) except -1:
    """Apply our SETTINGS_INITIAL_WINDOW_SIZE at the peer's acknowledgment (section 6.9.2)."""
    cdef H2Stream s
    cdef void *found
    cdef uint32_t at = 0
    cdef int64_t delta = new - old
    while (found := c.table.following(&at)) != NULL:
        s = <H2Stream>found
        if s.window.current + delta > MAX_WINDOW:
            c.fault_stream = s.id
            c.fault_value = f"SETTINGS_INITIAL_WINDOW_SIZE {new}"
            return FAULT_WINDOW_OVERFLOW
        s.window.current += delta
        s.window.maximum += delta
    return FAULT_NONE


# Credit for us

cdef int credit_connection(Core c, uint32_t increment) except -1:
    """Apply a WINDOW_UPDATE on stream 0."""
    if c.out_window + increment > MAX_WINDOW:
        c.fault_value = f"{c.out_window} + {increment}"
        return FAULT_WINDOW_OVERFLOW
    c.out_window += increment
    return FAULT_NONE


cdef int credit_stream(Core c, H2Stream s, uint32_t increment) except -1:
    """Apply a WINDOW_UPDATE on a stream, which then sends its queue."""
    if s.out_window + increment > MAX_WINDOW:
        c.fault_value = f"{s.out_window} + {increment}"
        return FAULT_STREAM_WINDOW_OVERFLOW
    s.out_window += increment
    if s.out_window > 0 and not s.in_turns and stream_has_queue(s):
        c.enter_ring(s)
    return FAULT_NONE


cdef int change_send_windows(Core c, int64_t old, int64_t new) except -1:
    """Apply a change of the peer's SETTINGS_INITIAL_WINDOW_SIZE (section 6.9.2); windows may become negative."""
    cdef H2Stream s
    cdef void *found
    cdef uint32_t at = 0
    cdef int64_t delta = new - old
    if delta == 0:
        return FAULT_NONE
    while (found := c.table.following(&at)) != NULL:
        s = <H2Stream>found
        if s.out_window + delta > MAX_WINDOW:
            c.fault_stream = s.id
            c.fault_value = f"SETTINGS_INITIAL_WINDOW_SIZE {new}"
            return FAULT_WINDOW_OVERFLOW
        s.out_window += delta
        if s.out_window > 0 and stream_has_queue(s):
            c.enter_ring(s)
    return FAULT_NONE


# Separate credit of a connection and of a stream

cdef int return_body_credit(Core c, uint32_t stream_id, int64_t octets, bint is_read) except -1:
    """Credit octets of a body that were read or dropped; after the response to the connection's window only."""
    cdef H2Stream s
    enter(c)
    try:
        s = find_stream(c, stream_id)
        if s is not None and (s.phase == S_HALF_CLOSED_LOCAL or s.ends or s.trailers is not None):
            out_reserve(&c.out, UPDATE)
            credit_window(c, None, octets, is_read)
        else:
            credit_both(c, s, octets, is_read)
    finally:
        leave(c)
    return 0


cdef int return_connection_credit(Core c, int64_t octets) except -1:
    """Credit octets of a body to the connection's window only. It grows if streams are charged for what is held."""
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
        credit_window(c, None, octets, c.growth is not None and c.growth.by_stream)
    finally:
        leave(c)
    return 0


cdef int return_stream_credit(Core c, uint32_t stream_id, int64_t octets, bint is_read) except -1:
    """Credit octets of a body to the stream's window only, while neither side has ended the stream."""
    cdef H2Stream s
    enter(c)
    try:
        s = find_stream(c, stream_id)
        if s is not None and s.phase == S_OPEN and not s.ends and s.trailers is None:
            out_reserve(&c.out, UPDATE)
            credit_window(c, s, octets, is_read)
    finally:
        leave(c)
    return 0


cdef int reserve_update(Core c) except -1:
    """Reserve memory for the next WINDOW_UPDATE, for callers that change their own state before it."""
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
    finally:
        leave(c)
    return 0


cdef int extend_connection_window(Core c, int64_t octets) except -1:
    """Credit the connection's window at once. The caller ensures that the window's maximum is not exceeded."""
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
        c.window.processed = max(c.window.processed - octets, 0)
        c.window.current += octets
        c.write_window_update(0, octets)
    finally:
        leave(c)
    return 0


# Windows that adapt to the link

cdef int measure(Core c, H2Stream s, int64_t octets) except -1:
    """Octets of DATA have arrived: send the PING that measures the round trip, if one is due.

    The first DATA begins the estimate: a connection without uploads has none.
    """
    cdef WindowGrowth growth = c.growth
    if growth is None:
        c.growth = growth = WindowGrowth(c.windows)
        growth.by_stream = c.by_stream
        growth.leaving = c.leaving
    if growth.wants_ping(octets, min(c.window.maximum, s.window.maximum), c.clock):
        out_reserve(&c.out, FRAME_HEADER + 8)
        put_ping(&c.out, WINDOW_PING, 0)
    return 0


cdef void stop_measuring(Core c) noexcept:
    """The connection is about to end: send no more PINGs."""
    c.leaving = 1
    if c.growth is not None:
        c.growth.leaving = True


cdef void end_growth(Core c) noexcept:
    """The connection is over: other connections may have what its windows have grown by."""
    c.windows = None
    if c.growth is not None:
        c.growth.end()


cdef void give_back_growth(Core c) noexcept:
    """As `end_growth`, from outside of a call on the connection; without effect during one."""
    if not c.busy:
        end_growth(c)
