# What the threads of a call wait for, once it has lost the lead.
from libc.stdint cimport int64_t

from fasth2.wsgi.atomics cimport load_flag, store_flag
from fasth2.wsgi.input cimport Input, Source
from fasth2.wsgi.leader cimport ThreadEvent


cdef enum:
    # Octets of a response that may wait for the client before its thread does,
    # and how few must be left before it goes on.
    HIGH_WATER = 262144
    LOW_WATER = 65536
    # Octets a second that a client has to take, as `fasth2.server._progress.MIN_RATE`.
    MIN_SEND_RATE = 128


cdef class Waiter(Source):
    cdef readonly object stream_id
    cdef readonly Input input
    cdef list waiting                # gates of threads that wait; None: of none so far
    cdef int readers                 # threads that wait, or are about to, for more of the request
    cdef int gone                    # the stream is closed: nobody listens
    cdef int too_slow                # its client was, with the body
    cdef int64_t credit              # octets read that the client got no credit for
    cdef int64_t asked               # octets of body that the leader is asked to send
    cdef int64_t queued              # octets of body in the connection, as the leader last saw

    # By the call's threads.
    cdef int64_t unsent(self) except -1
    cdef bint check_or_register(self, bint room, ThreadEvent event) except -1
    cdef bint cancel_wait(self, ThreadEvent event) except -1
    cdef bint wait_for(self, bint room, double timeout) except -1
    cdef object abort_error(self, str reason)
    cdef int add_readers(self, int more) except -1
    # By the leader.
    cdef int notify(self) except -1
    cdef bint update_queued(self, int64_t queued) except -1
    cdef int mark_gone(self) except -1
    cdef bint is_starved(self) except -1
    # By either.
    cdef int64_t take_credit(self, int64_t least) except -1
