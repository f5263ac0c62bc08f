# The incomplete request bodies of one connection. Used by the leader only.
from libc.stdint cimport int64_t

from fasth2._engine.core cimport Core
from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.dispatcher cimport Dispatcher
from fasth2.wsgi.uploads cimport Uploads


# Account for octets of a call's body that arrived.
cdef int body_arrived(Core c, Dispatcher dispatcher, CallState call, int64_t octets) except -1

# Extend the window of a connection that other bodies have filled, for a call that waits for its body.
cdef int lend_window(Core c, dict calls, Uploads uploads, CallState starved) except -1

# Append calls whose client sends the body too slowly to `slow`, those that wait too long for a thread to `late`.
cdef int find_slow_bodies(
    Core c, dict calls, Uploads uploads, double now, double timeout, list slow, list late,
) except -1
