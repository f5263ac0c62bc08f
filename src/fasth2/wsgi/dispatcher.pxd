# What the calls of a worker share, and the queues between its threads.
from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.leader cimport Leadership
from fasth2.server.unsent cimport Unsent
from fasth2.wsgi.uploads cimport Uploads


# Operations that a thread without the lead submits to the leader.
cdef enum:
    OP_SEND = 0              # value: bytes, flag: end of the body
    OP_CONSUME = 1           # value: octets, flag: the call waits for more
    OP_INFORM = 2            # value: (status, flat fields)
    OP_RESET = 3             # value: error code

cdef enum:
    # Overhead added to the size of each submitted part, in bytes.
    PART = 256


cdef class Dispatcher:
    cdef public object application
    cdef readonly Leadership leadership
    cdef public object observer      # notified when requests begin and end, or None
    cdef public object report        # called with a call and the exception that ended it
    cdef public object on_limit      # called when `limit` calls have begun
    cdef public long long served
    cdef long long open_calls              # calls that have begun and are not over
    cdef public long long limit
    cdef public double timeout       # seconds that a peer may take, negative: no limit
    cdef public str server           # the Server field, "": no field
    cdef public object file_wrapper
    cdef object wake
    cdef unsigned long asked         # number of operations submitted by detached calls
    cdef unsigned long taken         # number of times that a client received data of a detached call
    cdef object requests             # deque of submitted operations: call, OP_*, value, flag
    cdef CallState ended_calls       # linked list of detached calls that have ended, latest first
    cdef CallState ending            # the part of that list that the leader is processing
    cdef bint polling                # the leader waits for events, or is about to
    cdef readonly Uploads uploads    # incomplete request bodies
    cdef readonly Unsent unsent      # bounds for unsent responses
    cdef public int threads          # that call the application
    cdef object deferred             # deque of slow calls that would take the last thread from fast ones
    cdef unsigned long fast_tick     # tick at which a fast call ended last
    cdef dict slow                   # paths whose last call outlasted a tick
    cdef long second                 # time of `date`, seconds since the epoch
    cdef str date                    # the Date field

    cdef int submit(self, CallState call, int what, object value, bint flag) except -1
    cdef int submit_end(self, CallState call) except -1
    cdef int report_error(self, CallState call, object error) except -1
    cdef str now(self)
    cdef bint defer_if_slow(self, CallState call) except -1
    cdef bint may_run_slow(self) except -1
    cdef int update_calls_waiting(self) except -1
    cdef int queue_upload(self, CallState call) except -1
    cdef int start_upload(self, CallState call) except -1
    cdef bint may_run_upload(self) except -1
