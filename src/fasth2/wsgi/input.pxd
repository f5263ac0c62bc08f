# `wsgi.input`: a request's body while it arrives.
from libc.stdint cimport int64_t

from fasth2.wsgi.leader cimport RunningCall
from fasth2.wsgi.messages cimport Messages


cdef class Source(RunningCall):
    # The source of a request's body.

    # Wait until more arrives; raises if none will.
    cdef int wait_for_data(self) except -1
    # The application has read so many octets.
    cdef int count_read(self, int64_t octets) except -1


cdef class Input:
    cdef Source source       # None: nothing more arrives
    cdef bytes chunk         # the part being read, unread from `at` on
    cdef Py_ssize_t at
    cdef object parts        # deque of the parts after it, or None
    cdef bint complete
    cdef bint closed
    cdef Messages messages
    cdef readonly object trailers    # list of (name, value), once the body is complete

    # Called by the thread that receives. The first one before any other call.
    cdef bint follow_messages(self, object media_type) except -1
    cdef int add(self, bytes data) except -1
    cdef int finish(self, object trailers) except -1
    cdef int64_t discard(self) except -1
    cdef int end(self) except -1
    # Called by the application's thread: it holds the lock except while it waits.
    cdef bint fill(self) except -1
    cdef bint more(self, Py_ssize_t n) except -1
    cdef bytes cut(self, Py_ssize_t n)
    cdef bytes line(self, Py_ssize_t size)
    cdef int check(self) except -1
