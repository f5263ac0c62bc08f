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


cdef class ThreadEvent:
    # Something that one thread waits for and another lets through, once each time.
    cdef PyThread_type_lock lock

    cdef bint wait(self, long long microseconds) except -1
    cdef void set(self) noexcept


cdef class RunningCall:
    # A call of the application, as the lead sees it.
    cdef int detached        # its thread has lost the lead
    cdef int over            # it has ended, whatever the application keeps of it
    cdef unsigned long thread        # that runs it
    cdef unsigned long begun         # tick


cdef class Slot(ThreadEvent):
    # A thread that can lead.
    cdef readonly bint helper        # it never calls the application
    cdef bint enrolled       # it waits already, as far as others see


cdef class Leadership:
    cdef ThreadEvent wakeup           # wakes the clock
    cdef bint wakeup_set
    cdef ThreadEvent sleeper          # nobody opens it
    cdef long long tick      # microseconds
    # written by the leader, looked at by the clock
    cdef int in_call
    cdef unsigned long calls         # of the application, begun
    # written by the clock
    cdef unsigned long ticks         # so far, while there is something to do
    cdef int dormant                 # the clock stands still until the bell is rung
    cdef int stopping
    cdef RunningCall running     # the call that in_call is about
    cdef Slot leading        # None between two leaders
    cdef list idle           # seats that wait to call the application
    cdef Slot helper
    cdef bint helper_waits
    cdef int calls_waiting          # the leader waits for a free slot
    cdef object wake         # called when a slot is free while the helper leads
    cdef readonly unsigned long handovers    # calls that outlasted a tick, or gave the lead away

    cdef inline unsigned long now(self) noexcept:
        # In ticks.
        return load_number(&self.ticks)

    cdef inline bint stops(self) noexcept nogil:
        return load_flag(&self.stopping)

    cdef int begin(self, RunningCall call) except -1
    cdef bint end(self, RunningCall call) except -1
    cdef bint enter_io(self, RunningCall call) except -1
    cdef int leave_io(self, RunningCall call) except -1
    cdef bint hand_over(self, RunningCall call) except -1
    cdef int pause(self) except -1
    cdef int enroll(self, Slot slot) except -1
    cdef Slot successor(self)
    cdef int promote(self, Slot slot) except -1
    cdef bint replace(self, RunningCall call) except -1
    cdef bint detach(self, RunningCall call, unsigned long number) except -1
    cdef int wake_watchdog(self) except -1
