# `wsgi.input`: a request's body while it arrives.
from libc.stdint cimport int64_t

from fasth2.wsgi.leader cimport RunningCall


cdef class Source(RunningCall):
    # Where a request's body comes from.

    # Wait until there is more; raises where none will come.
    cdef int more(self) except -1
    # The application has taken so many octets.
    cdef int taken(self, int64_t octets) except -1


cdef class Input:
    cdef Source source       # None: nothing more comes
    cdef bytes chunk         # at hand, from `at` on
    cdef Py_ssize_t at
    cdef object parts        # deque of what comes after it, or None
    cdef bint complete
    cdef bint closed
    cdef readonly object trailers    # list of (name, value), once the body is complete

    # By the thread that receives.
    cdef int add(self, bytes data) except -1
    cdef int finish(self, object trailers) except -1
    cdef int64_t discard(self) except -1
    cdef int end(self) except -1
    # By the application's: it holds the lock, but for while it waits.
    cdef bint fill(self) except -1
    cdef bytes cut(self, Py_ssize_t n)
    cdef bytes line(self, Py_ssize_t size)
    cdef int check(self) except -1
