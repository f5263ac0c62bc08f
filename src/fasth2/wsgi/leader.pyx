"""Leader/follower threads of a worker: one runs the event loop, and hands over when a call outlasts a tick."""
cimport cython

from fasth2.wsgi.atomics cimport load_flag, load_number, store_flag, store_number

cdef enum:
    QUIET = 100              # ticks without a call after which the watchdog sleeps


cdef class ThreadEvent:
    """An event for one waiting thread: one `set` releases one `wait`."""

    def __cinit__(self):
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError
        PyThread_acquire_lock(self.lock, 1)

    def __dealloc__(self):
        if self.lock != NULL:
            # A lock must be released before it is freed.
            PyThread_acquire_lock(self.lock, 0)
            PyThread_release_lock(self.lock)
            PyThread_free_lock(self.lock)

    cdef bint wait(self, long long microseconds) except -1:
        """Wait for `set`. Return False after so many microseconds; negative: no limit."""
        cdef PyLockStatus status
        with nogil:
            status = PyThread_acquire_lock_timed(self.lock, microseconds, 0)
        return status == PY_LOCK_ACQUIRED

    cdef void set(self) noexcept:
        """Release the current wait or the next one. Call it once for each wait."""
        PyThread_release_lock(self.lock)


cdef class RunningCall:
    """The state of a call of the application that `Leadership` uses."""


@cython.final
cdef class Slot(ThreadEvent):
    """A thread that can lead.

    Args:
        helper: True for a thread that leads only while all others are in calls of the application.
    """

    def __init__(self, bint helper=False):
        self.helper = helper


@cython.final
cdef class Leadership:
    """Decides which of several threads leads, that is, runs the event loop.

    Args:
        wake: Called to end the leader's wait for events.
        tick: Seconds that a call of the application may take before its thread loses the lead.
    """

    def __init__(self, wake, double tick=0.001):
        self.wake = wake
        self.wakeup = ThreadEvent()
        self.sleeper = ThreadEvent()
        self.tick = max(<long long>(tick * 1e6), 1)
        self.idle = []
        store_flag(&self.dormant, True)

    @property
    def idle_slots(self):
        """Number of threads that wait to call the application."""
        return len(self.idle)

    # Calls of the application, by the thread that runs them

    cdef int begin(self, RunningCall call) except -1:
        """Record that a call enters the application; nothing for a detached call."""
        with cython.critical_section(self):
            if call.detached:
                return 0
            self.running = call
            store_number(&self.calls, self.calls + 1)
            store_flag(&self.in_call, True)
            if load_flag(&self.dormant):
                self.wake_watchdog()
        return 0

    cdef bint end(self, RunningCall call) except -1:
        """Record that the application has returned. Return True if its thread still leads."""
        with cython.critical_section(self):
            if call.detached:
                return False
            store_flag(&self.in_call, False)
        return True

    cdef bint hand_over(self, RunningCall call) except -1:
        """Hand the lead to another thread for a call that will wait. Return False if no thread is free."""
        with cython.critical_section(self):
            if call.detached:
                return True
            return self.replace(call)

    cdef bint enter_io(self, RunningCall call) except -1:
        """The application uses the connection. Return True if the calling thread leads and may do so directly."""
        if not load_flag(&call.detached) and call.thread != PyThread_get_thread_ident():
            # A thread started by the application; the call's own thread leads and may return at any moment.
            while not (load_flag(&call.detached) or load_flag(&call.over) or self.stops()
                       or self.detach(call, load_number(&self.calls))):
                self.pause()
            return False
        return self.end(call)

    cdef int leave_io(self, RunningCall call) except -1:
        """Return to the application after `enter_io` returned True. A call that has outlasted a tick loses the lead."""
        if self.now() - call.begun <= 1 or not self.hand_over(call):
            self.begin(call)
        return 0

    cdef int pause(self) except -1:
        """Sleep for a tick, so that another thread can come to wait for the lead."""
        cdef PyThread_type_lock sleeper = self.sleeper.lock
        with nogil:
            PyThread_acquire_lock_timed(sleeper, self.tick, 0)
        return 0

    # Slots

    def acquire(self, Slot slot not None):
        """Wait until the calling thread is to lead.

        Args:
            slot: The slot of the calling thread.

        Returns:
            False when the worker stops.
        """
        cdef bint awaited = False
        with cython.critical_section(self):
            if slot.enrolled:
                slot.enrolled = False
            elif self.stopping:
                return False
            elif self.leading is None:
                self.leading = slot
                return True
            else:
                awaited = not slot.helper and (self.leading.helper or load_flag(&self.calls_waiting))
                self.enroll(slot)
        if awaited:
            self.wake()
        slot.wait(-1)
        return not self.stops()

    def yield_lead(self, Slot slot not None):
        """Pass the lead of a thread that is not in a call to a waiting thread, if there is one.

        Args:
            slot: The slot of the calling thread, which leads.

        Returns:
            True if the thread no longer leads.
        """
        cdef Slot successor
        with cython.critical_section(self):
            if self.leading is not slot:
                return False
            successor = self.successor()
            if successor is None:
                return False
            # Enrolled before its thread waits: the next leader may have to pass the lead on before that.
            slot.enrolled = True
            self.enroll(slot)
            self.promote(successor)
        return True

    def leads(self, Slot slot not None):
        """Return True if a thread leads.

        Args:
            slot: The slot of the thread.
        """
        with cython.critical_section(self):
            return self.leading is slot

    cdef int enroll(self, Slot slot) except -1:
        if slot.helper:
            self.helper = slot
            self.helper_waits = True
        else:
            self.idle.append(slot)
        return 0

    cdef Slot successor(self):
        """Take a waiting slot off the list; ``None`` if no thread waits."""
        if self.idle:
            return self.idle.pop()
        if self.helper_waits:
            self.helper_waits = False
            return self.helper
        return None

    cdef int promote(self, Slot slot) except -1:
        """Make a slot's thread the leader. It starts at once: publish what it reads before this call."""
        self.leading = slot
        slot.set()
        return 0

    cdef bint replace(self, RunningCall call) except -1:
        """Detach a call from the lead and promote another thread. Return False if no thread waits."""
        cdef Slot slot = self.successor()
        if slot is None:
            return False
        store_flag(&call.detached, True)
        self.running = call
        store_flag(&self.in_call, False)
        self.handovers += 1
        self.promote(slot)
        return True

    def stop(self):
        """Release every waiting thread and end the watchdog."""
        cdef Slot slot
        with cython.critical_section(self):
            store_flag(&self.stopping, True)
            for slot in self.idle:
                slot.set()
            del self.idle[:]
            if self.helper_waits:
                self.helper_waits = False
                self.helper.set()
            self.wake_watchdog()

    # The watchdog

    cdef int wake_watchdog(self) except -1:
        store_flag(&self.dormant, False)
        if not self.wakeup_set:
            self.wakeup_set = True
            self.wakeup.set()
        return 0

    cdef bint detach(self, RunningCall call, unsigned long number) except -1:
        """Take the lead from a call in the application, identified by its number. call: ``None`` for any call."""
        with cython.critical_section(self):
            if not self.in_call or self.calls != number or (call is not None and self.running is not call):
                return False
            return self.replace(self.running)

    def run_watchdog(self):
        """Run the watchdog until `stop`, on a thread of its own; the interpreter lock is released between ticks."""
        cdef unsigned long calls, last = 0
        cdef int quiet = 0
        cdef bint overdue
        cdef PyThread_type_lock wakeup = self.wakeup.lock
        while not self.stops():
            overdue = False
            with nogil:
                while not self.stops() and not load_flag(&self.dormant):
                    PyThread_acquire_lock_timed(wakeup, self.tick, 0)
                    store_number(&self.ticks, self.ticks + 1)
                    calls = load_number(&self.calls)
                    if calls != last:
                        last = calls
                        quiet = 0
                    elif load_flag(&self.in_call):
                        overdue = True
                        break
                    else:
                        quiet += 1
                        if quiet >= QUIET:
                            break
            if overdue:
                if not self.detach(None, last):
                    # No thread was free, or the call has just ended.
                    quiet = 0
                continue
            with cython.critical_section(self):
                # The event may have been set while the watchdog ran.
                if self.wakeup_set:
                    self.wakeup_set = False
                    PyThread_acquire_lock(wakeup, 0)
                if quiet >= QUIET and self.calls == last and not self.in_call and not self.stopping:
                    store_flag(&self.dormant, True)
                quiet = 0
            if load_flag(&self.dormant) and not self.stops():
                with nogil:
                    PyThread_acquire_lock(wakeup, 1)
                with cython.critical_section(self):
                    self.wakeup_set = False
