# Waiting of a detached call's threads for the client.
from libc.stdint cimport int64_t

from fasth2.wsgi.atomics cimport load_flag, store_flag
from fasth2.wsgi.input cimport Input, Source
from fasth2.wsgi.leader cimport ThreadEvent


cdef enum:
    # Unsent octets of a response above which its thread waits for the client,
    # and at or below which it continues.
    HIGH_WATER = 262144
    LOW_WATER = 65536


cdef class Waiter(Source):
    cdef readonly object stream_id
    cdef readonly Input input
    cdef list waiting                # events of waiting threads, or None
    cdef int readers                 # threads that wait, or are about to, for more of the request
    cdef int gone                    # the stream is closed
    cdef int too_slow                # the stream was reset because the client sent the body too slowly
    cdef int64_t credit              # octets read for which no credit was returned yet
    cdef int64_t asked               # octets of body submitted to the leader and not yet queued
    cdef int64_t queued              # octets of body queued in the connection, as of the last update

    # Called by the call's threads.
    cdef int64_t unsent(self) except -1
    cdef bint check_or_register(self, bint room, ThreadEvent event) except -1
    cdef bint cancel_wait(self, ThreadEvent event) except -1
    cdef bint wait_for(self, bint room, double timeout) except -1
    cdef object abort_error(self, str reason)
    cdef int add_readers(self, int more) except -1
    # Called by the leader.
    cdef int notify(self) except -1
    cdef bint update_queued(self, int64_t queued) except -1
    cdef int mark_gone(self) except -1
    cdef bint is_starved(self) except -1
    # Called by either.
    cdef int64_t take_credit(self, int64_t least) except -1
