# Receive windows that adapt to the link: the estimate of bandwidth and delay, and what it gives a window.
from libc.stdint cimport int64_t, uint8_t

from fasth2._window cimport ReceiveWindow
from fasth2.windows cimport WindowBudget


cdef class WindowGrowth:
    cdef WindowBudget budget
    cdef int64_t stream_limit        # octets
    cdef int64_t connection_limit    # octets
    cdef int64_t granted             # octets of the budget
    cdef bint by_stream              # the windows of streams are charged to the budget, not the connection's
    cdef bint joined                 # among those that share the budget
    cdef bint ended                  # the connection is over
    cdef bint leaving                # the connection is about to end: no more PINGs
    # the PING under way
    cdef bint waiting
    cdef int64_t received            # octets of DATA since it was sent, or since the last answer
    cdef int64_t window              # octets: the smaller window when it was sent
    cdef double sent_at              # seconds
    cdef double not_before           # seconds, of the next one
    cdef double interval             # seconds
    # the estimate
    cdef bint starting               # every sample has risen
    cdef bint settling               # the last sample has risen
    cdef double rtt                  # seconds: the shortest round trip of the period, 0: none was measured
    cdef double bandwidth            # the highest measured, octets a second
    cdef int64_t target              # octets, of a window
    cdef double peak                 # octets: the largest product of bandwidth and delay of the period
    cdef double peak_bandwidth       # octets a second, of the period
    cdef double period_end           # seconds
    cdef int clipped                 # bits of LIMIT_*: the limits that growth has met in the period
    cdef int counted                 # those of them that are counted

    cdef void end(self) noexcept
    cdef bint wants_ping(self, int64_t octets, int64_t window, object clock) except -1
    cdef int ping_answered(self, object clock) except -1
    cdef void age(self, double now) noexcept
    cdef void forget(self, ReceiveWindow *w) noexcept
    cdef void resize(self, ReceiveWindow *w, bint is_connection, double now) noexcept
    cdef void share_budget(self, bint wants) noexcept
    cdef int64_t credit(self, ReceiveWindow *w, int64_t size, bint is_connection, bint is_read, object clock) except -1


cdef enum:
    LIMIT_STREAM = 1
    LIMIT_CONNECTION = 2
    LIMIT_PROCESS = 4

cdef extern from *:
    """
    /* What the PING frames of the estimate carry. */
    #define FASTH2_WINDOW_PING ((const unsigned char *) "fh2-rtt?")
    """
    const uint8_t *WINDOW_PING "FASTH2_WINDOW_PING"
