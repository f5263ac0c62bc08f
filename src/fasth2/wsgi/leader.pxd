# Leader/follower threads. The leading thread runs the event loop: it polls,
# reads, and calls the application. A call of the application that outlasts a
# tick keeps its thread and loses the lead to another thread.
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
    # An event for one waiting thread. One set() releases one wait().
    cdef PyThread_type_lock lock

    cdef bint wait(self, long long microseconds) except -1
    cdef void set(self) noexcept


cdef class RunningCall:
    # The state of a call of the application that Leadership uses.
    cdef int detached        # its thread has lost the lead
    cdef int over            # it has ended; the application may still hold references to it
    cdef unsigned long thread        # identifier of the thread that runs it
    cdef unsigned long begun         # tick at which it began


cdef class Slot(ThreadEvent):
    # A thread that can lead.
    cdef readonly bint helper        # it never calls the application
    cdef bint enrolled       # registered as waiting before its thread waits


cdef class Leadership:
    cdef ThreadEvent wakeup  # wakes the watchdog
    cdef bint wakeup_set
    cdef ThreadEvent sleeper  # never set; used to sleep without the interpreter lock
    cdef long long tick      # microseconds
    # written by the leader, read by the watchdog
    cdef int in_call
    cdef unsigned long calls         # of the application, begun
    # written by the watchdog
    cdef unsigned long ticks         # elapsed while calls are running
    cdef int dormant                 # the watchdog sleeps until `wakeup` is set
    cdef int stopping
    cdef RunningCall running  # the call that `in_call` refers to
    cdef Slot leading        # None between two leaders
    cdef list idle           # slots of threads that wait to call the application
    cdef Slot helper
    cdef bint helper_waits
    cdef int calls_waiting   # calls wait for a free slot
    cdef object wake         # called when a slot becomes free while the helper leads or calls wait
    cdef readonly unsigned long handovers    # number of calls that lost the lead

    cdef inline unsigned long now(self) noexcept:
        # Return the time in ticks.
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
