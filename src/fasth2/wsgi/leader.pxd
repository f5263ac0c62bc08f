# Who runs the loop. One thread leads: it polls, reads, and calls the
# application. A call of the application that outlasts a tick keeps its thread
# and loses the lead to another.
from fasth2.wsgi.atomics cimport load_flag, load_number

cdef extern from "pythread.h":
    ctypedef void *PyThread_type_lock
    ctypedef enum PyLockStatus:
        PY_LOCK_FAILURE
        PY_LOCK_ACQUIRED
        PY_LOCK_INTR
    PyThread_type_lock PyThread_allocate_lock() nogil
    void PyThread_free_lock(PyThread_type_lock lock) nogil
    unsigned long PyThread_get_thread_ident() nogil
    int PyThread_acquire_lock(PyThread_type_lock lock, int wait) nogil
    PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int intr) nogil
    void PyThread_release_lock(PyThread_type_lock lock) nogil


cdef class Gate:
    # Something that one thread waits for and another lets through, once each time.
    cdef PyThread_type_lock lock

    cdef bint wait(self, long long microseconds) except -1
    cdef void open(self) noexcept


cdef class Running:
    # A call of the application, as the lead sees it.
    cdef int detached        # its thread has lost the lead
    cdef int over            # it has ended, whatever the application keeps of it
    cdef unsigned long thread        # that runs it
    cdef unsigned long begun         # tick


cdef class Seat(Gate):
    # A thread that can lead.
    cdef readonly bint helper        # it never calls the application
    cdef bint enrolled       # it waits already, as far as others see


cdef class Lead:
    cdef Gate bell           # wakes the clock
    cdef bint bell_rung
    cdef Gate never          # nobody opens it
    cdef long long tick      # microseconds
    # written by the leader, looked at by the clock
    cdef int in_call
    cdef unsigned long calls         # of the application, begun
    # written by the clock
    cdef unsigned long ticks         # so far, while there is something to do
    cdef int dormant                 # the clock stands still until the bell is rung
    cdef int stopping
    cdef Running running     # the call that in_call is about
    cdef Seat leading        # None between two leaders
    cdef list idle           # seats that wait to call the application
    cdef Seat helper
    cdef bint helper_waits
    cdef int wanted          # the leader waits for a free seat
    cdef object wake         # called when a seat is free while the helper leads
    cdef readonly unsigned long overtaken    # calls that outlasted a tick, or gave the lead away

    cdef inline unsigned long now(self) noexcept:
        # In ticks.
        return load_number(&self.ticks)

    cdef inline bint stops(self) noexcept nogil:
        return load_flag(&self.stopping)

    cdef int begin(self, Running call) except -1
    cdef bint end(self, Running call) except -1
    cdef bint step_out(self, Running call) except -1
    cdef int step_in(self, Running call) except -1
    cdef bint resign(self, Running call) except -1
    cdef int pause(self) except -1
    cdef int enroll(self, Seat seat) except -1
    cdef Seat successor(self)
    cdef int appoint(self, Seat seat) except -1
    cdef bint replace(self, Running call) except -1
    cdef bint detach(self, Running call, unsigned long number) except -1
    cdef int ring(self) except -1
