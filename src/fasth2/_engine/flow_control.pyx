"""Credit of a connection and of a stream by themselves (RFC 9113 section 6.9).

The engine's `consume` gives both. A body that is gathered gives the connection its credit when it arrives, so that other
bodies are let through, and its stream when it is read. Each claims the connection; nothing is changed where memory ends.
"""
from fasth2._engine.core cimport enter, find_stream, leave
from fasth2._frames cimport out_reserve
from fasth2._engine.stream cimport S_OPEN, H2Stream
from fasth2._window cimport window_process

cdef enum:
    # Octets of a WINDOW_UPDATE frame.
    UPDATE = 13


cdef int return_connection_credit(Core c, int64_t octets) except -1:
    """Octets of a body are accounted for: the connection's window may have them back."""
    cdef int64_t increment
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
        increment = window_process(&c.window, octets)
        if increment:
            c.write_window_update(0, increment)
    finally:
        leave(c)
    return 0


cdef int return_stream_credit(Core c, uint32_t stream_id, int64_t octets) except -1:
    """Octets of a body were read: the stream's window may have them back, while neither side has ended it."""
    cdef H2Stream s
    cdef int64_t increment
    enter(c)
    try:
        s = find_stream(c, stream_id)
        if s is not None and s.phase == S_OPEN and not s.ends and s.trailers is None:
            out_reserve(&c.out, UPDATE)
            increment = window_process(&s.window, octets)
            if increment:
                c.write_window_update(stream_id, increment)
    finally:
        leave(c)
    return 0


cdef int reserve_update(Core c) except -1:
    """See to it that there is memory for the next update: for who changes something of its own before it."""
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
    finally:
        leave(c)
    return 0


cdef int extend_connection_window(Core c, int64_t octets) except -1:
    """Give the connection credit at once, however little. The caller sees to it that the window's maximum is kept."""
    enter(c)
    try:
        out_reserve(&c.out, UPDATE)
        c.window.processed = max(c.window.processed - octets, 0)
        c.window.current += octets
        c.write_window_update(0, octets)
    finally:
        leave(c)
    return 0
