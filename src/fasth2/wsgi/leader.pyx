"""Who runs the loop of a worker: one thread leads, and hands over when a call of the application outlasts a tick."""
cimport cython

from fasth2.wsgi.atomics cimport load_flag, load_number, store_flag, store_number

cdef enum:
    QUIET = 100              # ticks without a call after which the clock stops


cdef class Gate:
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

    cdef void open(self) noexcept:
        """Let the one that waits, or will wait, through. Once for each time it waits."""
        PyThread_release_lock(self.lock)


cdef class Running:
    """A call of the application, as the lead sees it."""


@cython.final
cdef class Seat(Gate):
    """A thread that can lead.

    Args:
        helper: Whether it leads only while all others are in calls of the application.
    """

    def __init__(self, bint helper=False):
        self.helper = helper


@cython.final
cdef class Lead:
    """Has one of several threads lead.

    Args:
        wake: Called to end the leader's wait for events.
        tick: Seconds that a call of the application may take before its thread loses the lead.
    """

    def __init__(self, wake, double tick=0.001):
        self.wake = wake
        self.bell = Gate()
        self.never = Gate()
        self.tick = max(<long long>(tick * 1e6), 1)
        self.idle = []
        store_flag(&self.dormant, True)

    @property
    def free(self):
        """How many threads wait to call the application."""
        return len(self.idle)

    # Calls of the application, by the thread that runs them

    cdef int begin(self, Running call) except -1:
        """A call goes into the application; one that has lost the lead does so as any thread."""
        with cython.critical_section(self):
            if call.detached:
                return 0
            self.running = call
            store_number(&self.calls, self.calls + 1)
            store_flag(&self.in_call, True)
            if load_flag(&self.dormant):
                self.ring()
        return 0

    cdef bint end(self, Running call) except -1:
        """The application has returned. Whether its thread leads still."""
        with cython.critical_section(self):
            if call.detached:
                return False
            store_flag(&self.in_call, False)
        return True

    cdef bint resign(self, Running call) except -1:
        """Give the lead away, for a call that is going to wait. Whether there was another thread."""
        with cython.critical_section(self):
            if call.detached:
                return True
            return self.replace(call)

    cdef bint step_out(self, Running call) except -1:
        """The application has called back, to use the connection. Whether the calling thread leads."""
        if not load_flag(&call.detached) and call.thread != PyThread_get_thread_ident():
            # A thread of the application's own, while that of the call leads and may come back any moment.
            while not (load_flag(&call.detached) or load_flag(&call.over) or self.stops()
                       or self.detach(call, load_number(&self.calls))):
                self.pause()
            return False
        return self.end(call)

    cdef int step_in(self, Running call) except -1:
        """Back to the application after `step_out` said yes. The lead is lost where the call has taken long in all."""
        if self.now() - call.begun <= 1 or not self.resign(call):
            self.begin(call)
        return 0

    cdef int pause(self) except -1:
        """Let another thread get to where it can lead."""
        cdef PyThread_type_lock never = self.never.lock
        with nogil:
            PyThread_acquire_lock_timed(never, self.tick, 0)
        return 0

    # Seats

    def sit(self, Seat seat not None):
        """Wait until a seat's thread is to lead.

        Args:
            seat: Of the calling thread.

        Returns:
            False when the worker stops.
        """
        cdef bint awaited = False
        with cython.critical_section(self):
            if seat.enrolled:
                seat.enrolled = False
            elif self.stopping:
                return False
            elif self.leading is None:
                self.leading = seat
                return True
            else:
                awaited = not seat.helper and (self.leading.helper or load_flag(&self.wanted))
                self.enroll(seat)
        if awaited:
            self.wake()
        seat.wait(-1)
        return not self.stops()

    def rise(self, Seat seat not None):
        """Give the lead of a thread that is not in a call to one that waits for it, if one does.

        Args:
            seat: Of the calling thread, which leads.

        Returns:
            Whether it leads no more.
        """
        cdef Seat successor
        with cython.critical_section(self):
            if self.leading is not seat:
                return False
            successor = self.successor()
            if successor is None:
                return False
            # Now, not when its thread comes to wait: the next leader may have to give the lead away before that.
            seat.enrolled = True
            self.enroll(seat)
            self.appoint(successor)
        return True

    def leads(self, Seat seat not None):
        """Whether a thread leads.

        Args:
            seat: Its seat.
        """
        with cython.critical_section(self):
            return self.leading is seat

    cdef int enroll(self, Seat seat) except -1:
        if seat.helper:
            self.helper = seat
            self.helper_waits = True
        else:
            self.idle.append(seat)
        return 0

    cdef Seat successor(self):
        """A seat that waits, which it does no more, or ``None``."""
        if self.idle:
            return self.idle.pop()
        if self.helper_waits:
            self.helper_waits = False
            return self.helper
        return None

    cdef int appoint(self, Seat seat) except -1:
        """Have a seat's thread lead. It begins at once: what it looks at has to be there."""
        self.leading = seat
        seat.open()
        return 0

    cdef bint replace(self, Running call) except -1:
        """Have another thread than a call's lead, if there is one."""
        cdef Seat seat = self.successor()
        if seat is None:
            return False
        store_flag(&call.detached, True)
        self.running = call
        store_flag(&self.in_call, False)
        self.overtaken += 1
        self.appoint(seat)
        return True

    def stop(self):
        """Let every thread that waits, and the clock, go."""
        cdef Seat seat
        with cython.critical_section(self):
            store_flag(&self.stopping, True)
            for seat in self.idle:
                seat.open()
            del self.idle[:]
            if self.helper_waits:
                self.helper_waits = False
                self.helper.open()
            self.ring()

    # The clock

    cdef int ring(self) except -1:
        store_flag(&self.dormant, False)
        if not self.bell_rung:
            self.bell_rung = True
            self.bell.open()
        return 0

    cdef bint detach(self, Running call, unsigned long number) except -1:
        """Have the thread of a call that is in the application lose the lead. None: of the call of that number."""
        with cython.critical_section(self):
            if not self.in_call or self.calls != number or (call is not None and self.running is not call):
                return False
            return self.replace(self.running)

    def watch(self):
        """Be the clock, until `stop`. For a thread of its own, which does not need the interpreter a tick."""
        cdef unsigned long calls, last = 0
        cdef int quiet = 0
        cdef bint overdue
        cdef PyThread_type_lock bell = self.bell.lock
        while not self.stops():
            overdue = False
            with nogil:
                while not self.stops() and not load_flag(&self.dormant):
                    PyThread_acquire_lock_timed(bell, self.tick, 0)
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
                if self.bell_rung:
                    self.bell_rung = False
                    PyThread_acquire_lock(bell, 0)
                if quiet >= QUIET and self.calls == last and not self.in_call and not self.stopping:
                    store_flag(&self.dormant, True)
                quiet = 0
            if load_flag(&self.dormant) and not self.stops():
                with nogil:
                    PyThread_acquire_lock(bell, 1)
                with cython.critical_section(self):
                    self.bell_rung = False
