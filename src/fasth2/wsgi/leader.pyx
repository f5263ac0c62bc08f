"""Who runs the loop of a worker: one thread leads, and hands over when a call of the application outlasts a tick."""
cimport cython

from fasth2.wsgi.atomics cimport load_flag, load_number, store_flag, store_number

cdef enum:
    QUIET = 100              # ticks without a call after which the clock stops


cdef class ThreadEvent:
    """Something that one thread waits for and another lets through."""

    def __cinit__(self):
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError
        PyThread_acquire_lock(self.lock, 1)

    def __dealloc__(self):
        if self.lock != NULL:
            # Free locks only are freed.
            PyThread_acquire_lock(self.lock, 0)
            PyThread_release_lock(self.lock)
            PyThread_free_lock(self.lock)

    cdef bint wait(self, long long microseconds) except -1:
        """Wait until it is opened; whether it was. Negative: without an end."""
        cdef PyLockStatus status
        with nogil:
            status = PyThread_acquire_lock_timed(self.lock, microseconds, 0)
        return status == PY_LOCK_ACQUIRED

    cdef void set(self) noexcept:
        """Let the one that waits, or will wait, through. Once for each time it waits."""
        PyThread_release_lock(self.lock)


cdef class RunningCall:
    """A call of the application, as the lead sees it."""


@cython.final
cdef class Slot(ThreadEvent):
    """A thread that can lead.

    Args:
        helper: Whether it leads only while all others are in calls of the application.
    """

    def __init__(self, bint helper=False):
        self.helper = helper


@cython.final
cdef class Leadership:
    """Has one of several threads lead.

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
        """How many threads wait to call the application."""
        return len(self.idle)

    # Calls of the application, by the thread that runs them

    cdef int begin(self, RunningCall call) except -1:
        """A call goes into the application; one that has lost the lead does so as any thread."""
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
        """The application has returned. Whether its thread leads still."""
        with cython.critical_section(self):
            if call.detached:
                return False
            store_flag(&self.in_call, False)
        return True

    cdef bint hand_over(self, RunningCall call) except -1:
        """Give the lead away, for a call that is going to wait. Whether there was another thread."""
        with cython.critical_section(self):
            if call.detached:
                return True
            return self.replace(call)

    cdef bint enter_io(self, RunningCall call) except -1:
        """The application has called back, to use the connection. Whether the calling thread leads."""
        if not load_flag(&call.detached) and call.thread != PyThread_get_thread_ident():
            # A thread of the application's own, while that of the call leads and may come back any moment.
            while not (load_flag(&call.detached) or load_flag(&call.over) or self.stops()
                       or self.detach(call, load_number(&self.calls))):
                self.pause()
            return False
        return self.end(call)

    cdef int leave_io(self, RunningCall call) except -1:
        """Back to the application after `enter_io` returned True. The lead is lost where the call has taken long in all."""
        if self.now() - call.begun <= 1 or not self.hand_over(call):
            self.begin(call)
        return 0

    cdef int pause(self) except -1:
        """Let another thread get to where it can lead."""
        cdef PyThread_type_lock sleeper = self.sleeper.lock
        with nogil:
            PyThread_acquire_lock_timed(sleeper, self.tick, 0)
        return 0

    # Seats

    def acquire(self, Slot slot not None):
        """Wait until a slot's thread is to lead.

        Args:
            slot: Of the calling thread.

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
        """Give the lead of a thread that is not in a call to one that waits for it, if one does.

        Args:
            slot: Of the calling thread, which leads.

        Returns:
            Whether it leads no more.
        """
        cdef Slot successor
        with cython.critical_section(self):
            if self.leading is not slot:
                return False
            successor = self.successor()
            if successor is None:
                return False
            # Now, not when its thread comes to wait: the next leader may have to give the lead away before that.
            slot.enrolled = True
            self.enroll(slot)
            self.promote(successor)
        return True

    def leads(self, Slot slot not None):
        """Whether a thread leads.

        Args:
            slot: Its slot.
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
        """A slot that waits, which it does no more, or ``None``."""
        if self.idle:
            return self.idle.pop()
        if self.helper_waits:
            self.helper_waits = False
            return self.helper
        return None

    cdef int promote(self, Slot slot) except -1:
        """Have a slot's thread lead. It begins at once: what it looks at has to be there."""
        self.leading = slot
        slot.set()
        return 0

    cdef bint replace(self, RunningCall call) except -1:
        """Have another thread than a call's lead, if there is one."""
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
        """Let every thread that waits, and the clock, go."""
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

    # The clock

    cdef int wake_watchdog(self) except -1:
        store_flag(&self.dormant, False)
        if not self.wakeup_set:
            self.wakeup_set = True
            self.wakeup.set()
        return 0

    cdef bint detach(self, RunningCall call, unsigned long number) except -1:
        """Have the thread of a call that is in the application lose the lead. None: of the call of that number."""
        with cython.critical_section(self):
            if not self.in_call or self.calls != number or (call is not None and self.running is not call):
                return False
            return self.replace(self.running)

    def run_watchdog(self):
        """Be the clock, until `stop`. For a thread of its own, which does not need the interpreter a tick."""
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
                    # Nobody could lead, or it has just ended.
                    quiet = 0
                continue
            with cython.critical_section(self):
                # The bell may have been opened while the clock ran.
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
