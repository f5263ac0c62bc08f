"""Waiting of a request's threads that have lost the lead: for room for the response, or more of the body."""
cimport cython

import time

from fasth2.server._progress import MIN_RATE as _MIN_RATE
from fasth2.server.errors import HTTP2StreamAborted

# Octets a second that a client has to take.
cdef double min_rate = _MIN_RATE


cdef class Waiter(Source):
    """A request whose threads may wait for its client."""

    # Called by the call's threads

    cdef int64_t unsent(self) except -1:
        """Return the octets of the body that are not sent, as of the last update."""
        with cython.critical_section(self):
            return self.asked + self.queued

    cdef bint check_or_register(self, bint room, ThreadEvent event) except -1:
        """Return True if the condition holds already; otherwise register an event that `notify` will set."""
        cdef bint there
        # Allocated before the section: an allocation inside could run other threads.
        cdef list waiting = [event]
        with cython.critical_section(self, self.input):
            there = self.gone or load_flag(&self.over)
            if not there and room:
                there = self.asked + self.queued <= LOW_WATER
            elif not there:
                there = self.input.complete or bool(self.input.parts)
            if not there:
                if self.waiting is None:
                    self.waiting = waiting
                else:
                    self.waiting.append(event)
        return there

    cdef bint cancel_wait(self, ThreadEvent event) except -1:
        """Cancel the wait. Return False if `notify` has already released it."""
        cdef bint waits
        cdef list waiting
        with cython.critical_section(self):
            waiting = self.waiting
            waits = waiting is not None and event in waiting
            if waits:
                waiting.remove(event)
        if not waits:
            event.wait(-1)
        return waits

    cdef bint wait_for(self, bint room, double timeout) except -1:
        """Wait until the client has received enough of the response (room), or sent more of the request.

        Returns False after so many seconds without progress (negative: no limit); the stream counts as closed then.
        """
        cdef double now, deadline, started
        cdef int64_t first = self.unsent()
        cdef long long patience
        # A local event: the call's thread may wait for room while a thread of the application reads.
        cdef ThreadEvent event
        if room and first <= HIGH_WATER:
            return True
        event = ThreadEvent()
        started = time.monotonic()
        while not self.check_or_register(room, event):
            patience = -1
            if timeout > 0:
                now = time.monotonic()
                deadline = started + timeout
                if room:
                    deadline += (first - self.unsent()) / min_rate
                if now >= deadline:
                    if not self.cancel_wait(event) or load_flag(&self.over):
                        continue
                    store_flag(&self.gone, True)
                    return False
                patience = <long long>((deadline - now) * 1e6) + 1000
            if not event.wait(patience):
                self.cancel_wait(event)
        if load_flag(&self.gone):
            raise self.abort_error("the stream was closed by the client")
        if load_flag(&self.over):
            raise HTTP2StreamAborted(self.stream_id, "the request has been answered")
        return True

    cdef object abort_error(self, str reason):
        """Return the exception for a closed stream. reason: the text, unless the client was too slow."""
        if load_flag(&self.too_slow):
            reason = "the client was too slow: the request's body has not come in time"
        return HTTP2StreamAborted(self.stream_id, reason)

    cdef int add_readers(self, int more) except -1:
        """Add to the number of threads that wait for more of the request."""
        with cython.critical_section(self):
            self.readers += more
        return 0

    # Called by the leader

    cdef int notify(self) except -1:
        """Release the waiting threads, which check their condition again."""
        cdef ThreadEvent event
        cdef list waiting = None
        with cython.critical_section(self):
            if self.waiting:
                waiting = self.waiting
                self.waiting = None
        if waiting is not None:
            for event in waiting:
                event.set()
        return 0

    cdef bint update_queued(self, int64_t queued) except -1:
        """Record the unsent octets of the response's body. Return True if they are fewer than before."""
        cdef bint goes_on
        cdef bint fewer = queued < self.queued
        with cython.critical_section(self):
            self.queued = queued
            goes_on = bool(self.waiting) and (self.gone or self.asked + queued <= LOW_WATER)
        if goes_on:
            self.notify()
        return fewer

    cdef int mark_gone(self) except -1:
        """Mark the stream as closed and release the waiting threads."""
        with cython.critical_section(self):
            store_flag(&self.gone, True)
        return self.notify()

    cdef bint is_starved(self) except -1:
        """Return True if a thread waits for more of the request and none has arrived."""
        with cython.critical_section(self, self.input):
            return self.readers > 0 and not self.input.complete and not self.input.parts

    # Called by either

    cdef int64_t take_credit(self, int64_t least) except -1:
        """Take the octets for which credit is due; 0, taking none, if they are fewer than `least`."""
        cdef int64_t octets
        with cython.critical_section(self):
            octets = self.credit
            if octets < least:
                return 0
            self.credit = 0
        return octets
