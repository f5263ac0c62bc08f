# The request bodies of one connection that are not whole. Used by the leader only.
from libc.stdint cimport int64_t

from fasth2._engine.core cimport Core
from fasth2.wsgi.call cimport Call, Dispatcher
from fasth2.wsgi.uploads cimport Uploads


# More of a call's body is there.
cdef int body_arrived(Core c, Dispatcher dispatcher, Call call, int64_t octets) except -1

# A call waits for its body: have a connection whose window is full of other bodies let it through.
cdef int lend_window(Core c, dict calls, Uploads uploads, Call starved) except -1

# Append the calls to `slow` whose client takes too long for the body, to `late` those that wait for a thread too long.
cdef int find_slow_bodies(Core c, dict calls, Uploads uploads, double now, double timeout, list slow, list late) except -1
