"""Receive windows that adapt to the link (RFC 9113 section 5.2).

A PING behind received DATA measures the round trip, and the octets that arrive
until it is answered are what the link carries in that time. While a round trip
brings nearly a whole window, the window is what limits the sender: the target
becomes twice the product of bandwidth and delay, and more while it still rises.
Windows grow towards the target when credit is returned for what the application
has read; that of a connection which is credited for what arrives grows then.
"""
cimport cython

from fasth2._window cimport MAX_WINDOW
from fasth2.windows cimport AdaptiveWindows

cdef enum:
    # Octets of DATA before a PING.
    SAMPLE_FROM = 16384

cdef double FIRST_INTERVAL = 0.02    # seconds between two PINGs at least
cdef double LAST_INTERVAL = 2.0      # and where nothing changes
cdef double RISING = 1.1             # the bandwidth rises by more than noise
cdef double GAIN = 2.0               # a window is so many times the product of bandwidth and delay
# What a larger window brings arrives a round trip later, so that a sample sees the window before: while every sample
# still rises, this gain makes it four times as large once a round trip.
cdef double FIRST_GAIN = 8.0
cdef double PERIOD = 10.0            # seconds after which unused growth is not renewed


# It refers to its budget alone, so it is in no cycle, and its end finds the budget still there.
@cython.no_gc
@cython.final
cdef class WindowGrowth:
    """One connection's estimate.

    Args:
        options: An `AdaptiveWindows`.
    """

    def __cinit__(self, AdaptiveWindows options not None):
        self.stream_limit = options.stream
        self.connection_limit = options.connection
        self.budget = options.budget
        self.interval = FIRST_INTERVAL
        self.starting = True

    def __dealloc__(self):
        self.end()

    cdef void end(self) noexcept:
        """Give back what the windows have grown by; they do not grow any more."""
        if self.joined:
            self.budget.leave(self.granted)
        self.joined = False
        self.granted = 0
        self.ended = True

    cdef void forget(self, ReceiveWindow *w) noexcept:
        """A stream is closed: give back what its window has grown by."""
        if self.by_stream and not self.ended and w.grown > 0:
            self.budget.release(w.grown)
            self.granted -= w.grown
            w.grown = 0
            self.share_budget(False)

    cdef bint wants_ping(self, int64_t octets, int64_t window, object clock) except -1:
        """Count octets of DATA. True: a PING is to be sent now."""
        cdef double now
        self.received += octets
        if self.waiting or self.leaving or self.received < SAMPLE_FROM:
            return False
        now = clock()
        self.received = 0
        if now < self.not_before:
            return False
        self.waiting = True
        self.window = window
        self.sent_at = now
        return True

    cdef int ping_answered(self, object clock) except -1:
        cdef double now = clock()
        cdef double rtt = max(now - self.sent_at, 1e-6)
        cdef double bandwidth = self.received / rtt
        cdef double product
        cdef bint is_full = 3 * self.received >= 2 * self.window
        self.waiting = False
        self.received = 0
        if now < self.sent_at:
            # The clock was set back.
            return 0
        self.age(now)
        self.rtt = rtt if self.rtt == 0.0 else min(self.rtt, rtt)
        product = bandwidth * self.rtt
        self.peak = max(self.peak, product)
        self.peak_bandwidth = max(self.peak_bandwidth, bandwidth)
        # With a queue in front of the link a sample is full whatever the window; the shortest round trip has none.
        if 3 * product >= 2 * self.window or (is_full and bandwidth > RISING * self.bandwidth):
            self.bandwidth = max(self.bandwidth, bandwidth)
            self.target = max(self.target, <int64_t>min((FIRST_GAIN if self.starting else GAIN) * product, MAX_WINDOW))
            self.interval = FIRST_INTERVAL
            self.settling = True
        elif self.settling:
            # What the larger window lets through is on its way.
            self.settling = False
        else:
            if self.starting and is_full:
                self.starting = False
                self.target = min(self.target, <int64_t>min(GAIN * self.peak, MAX_WINDOW))
            self.interval = min(2 * self.interval, LAST_INTERVAL)
        self.not_before = self.sent_at + self.interval
        return 0

    cdef void age(self, double now) noexcept:
        """Each period begins with what the last one has used."""
        if now < self.period_end:
            return
        if self.period_end > 0.0:
            if now >= self.period_end + PERIOD:
                self.peak = 0.0
                self.peak_bandwidth = 0.0
            self.target = min(self.target, <int64_t>min(GAIN * self.peak, MAX_WINDOW))
            self.bandwidth = self.peak_bandwidth
            self.starting = self.target == 0
        self.peak = 0.0
        self.peak_bandwidth = 0.0
        self.rtt = 0.0
        self.period_end = now + PERIOD
        self.interval = FIRST_INTERVAL
        self.clipped = self.counted = 0

    cdef void resize(self, ReceiveWindow *w, bint is_connection, double now) noexcept:
        """Bring a window towards the target, as far as the limits allow; what it grows by is to be returned too.

        Charged to the budget is what lets a peer have more octets held: the connection's window if it is credited for
        what was read, those of streams if it is credited for what has arrived.
        """
        cdef int64_t base = w.maximum - w.grown
        cdef int64_t others = self.granted - w.grown
        cdef int64_t limit, want, change, got, share
        cdef bint charged = is_connection != self.by_stream
        self.age(now)
        limit = self.connection_limit if is_connection else self.stream_limit
        want = max(self.target, base)
        if want > max(limit, base):
            want = max(limit, base)
            self.clipped |= LIMIT_CONNECTION if is_connection else LIMIT_STREAM
        if charged:
            if want - base > max(self.connection_limit - base - others, 0):
                want = base + max(self.connection_limit - base - others, 0)
                self.clipped |= LIMIT_CONNECTION
            self.share_budget(want > base)
            share = self.budget.share(now)
            if 0 <= share < others + want - base:
                want = base + max(share - others, 0)
                self.clipped |= LIMIT_PROCESS
        change = want - w.maximum
        if change > 0:
            if w.current + w.processed + change > MAX_WINDOW:
                change = 0
            if charged and change > 0:
                got = self.budget.reserve(change, self.granted, now)
                if got < change:
                    change = got
                    self.clipped |= LIMIT_PROCESS
                self.granted += change
            w.maximum += change
            w.grown += change
            w.processed += change
        elif change < 0:
            # Credit that was granted cannot be taken back; it is not renewed.
            change = min(-change, w.processed)
            if charged:
                self.budget.release(change)
                self.granted -= change
            w.maximum -= change
            w.grown -= change
            w.processed -= change

    cdef void share_budget(self, bint wants) noexcept:
        """Have the connection counted while it could use more than its base window, or has more."""
        if wants and not self.joined:
            self.budget.join()
            self.joined = True
        elif self.joined and not wants and not self.granted:
            self.budget.leave(0)
            self.joined = False

    cdef int64_t credit(self, ReceiveWindow *w, int64_t size, bint is_connection, bint is_read, object clock) except -1:
        """Octets to return to the peer now that the application has taken `size` more (0: not yet)."""
        cdef int64_t increment, threshold
        cdef double now
        w.processed += size
        if w.processed <= 0:
            return 0
        # In smaller parts than h2's, so that the sender does not wait for half of the window.
        threshold = w.maximum // 4
        if w.processed < threshold and not (w.current <= 0 and w.processed > min(w.maximum // 4, 1024)):
            return 0
        if not self.ended and (is_read or self.target < w.maximum):
            try:
                now = clock()
            except Exception:
                pass  # the window keeps its size
            else:
                self.resize(w, is_connection, now)
        increment = min(min(w.maximum, MAX_WINDOW) - w.current, w.processed)
        w.processed = 0
        if increment <= 0:
            return 0
        w.current += increment
        return increment
