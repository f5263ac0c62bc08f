"""Receive windows that adapt to the link: how far they grow, and what all connections of a process may have."""
cimport cython

__all__ = ["AdaptiveWindows", "WindowBudget"]

# Seconds for which connections keep to their fair share after one was refused.
cdef double PRESSURE = 10.0


@cython.final
cdef class WindowBudget:
    """The credit that the connections of a process may grant above their base windows, in all.

    May be shared by threads.

    Args:
        limit: Octets.

    Raises:
        ValueError: ``limit`` is negative.
        OverflowError: ``limit`` is 2**63 or more.
    """

    def __cinit__(self, int64_t limit):
        if limit < 0:
            raise ValueError("limit must not be negative")
        self._limit = limit

    def __repr__(self):
        return f"<WindowBudget granted={self.granted} limit={self.limit} connections={self.connections}>"

    @property
    def limit(self):
        """Octets that may be granted."""
        with cython.critical_section(self):
            return self._limit

    @property
    def granted(self):
        """Octets that are granted now."""
        with cython.critical_section(self):
            return self._granted

    @property
    def connections(self):
        """The number of connections that could use a larger window, or have one."""
        with cython.critical_section(self):
            return self._connections

    @property
    def refused(self):
        """The number of times that a connection was granted less than it could have used."""
        with cython.critical_section(self):
            return self._refused

    cdef void join(self) noexcept:
        """Count a connection among those that share the budget."""
        with cython.critical_section(self):
            self._connections += 1

    cdef void leave(self, int64_t octets) noexcept:
        """Count a connection no more; it gives up so many octets."""
        with cython.critical_section(self):
            self._connections -= 1
            self._granted -= octets

    cdef int64_t reserve(self, int64_t octets, int64_t held, double now) noexcept:
        """Grant octets to a connection that has joined and holds some; return the number that it gets, 0 or more."""
        cdef int64_t got
        with cython.critical_section(self):
            got = self._limit - self._granted
            if got < octets:
                self._refused += 1
                self._pressed_until = now + PRESSURE
            # Something is left for the next one, whoever came before.
            got = min(octets, got // 2)
            if now < self._pressed_until:
                got = min(got, self._limit // max(self._connections, 1) - held)
            got = max(got, 0)
            self._granted += got
        return got

    cdef void release(self, int64_t octets) noexcept:
        """Take octets back from a connection."""
        with cython.critical_section(self):
            self._granted -= octets

    cdef int64_t share(self, double now) noexcept:
        """The octets that each connection may keep while the budget is short; -1 while it is not."""
        cdef int64_t share = -1
        with cython.critical_section(self):
            if now < self._pressed_until:
                share = self._limit // max(self._connections, 1)
        return share


@cython.final
cdef class AdaptiveWindows:
    """How far the receive windows of connections may grow (RFC 9113 section 5.2).

    A window grows towards twice the product of bandwidth and delay that a PING
    behind received DATA measures, while the application reads what arrives.

    Args:
        stream: Octets of a stream's window at most.
        connection: Octets of a connection's window at most.
        budget: What all connections with the same budget may have above their base windows.

    Raises:
        ValueError: A number of octets is not between 0 and 2**31 - 1.
    """

    def __cinit__(self, int64_t stream=8 << 20, int64_t connection=16 << 20, WindowBudget budget=None):
        for octets in (stream, connection):
            if not 0 <= octets <= 0x7FFFFFFF:
                raise ValueError(f"a window of {octets} octets is not possible")
        self.stream = stream
        self.connection = connection
        self.budget = WindowBudget(64 << 20) if budget is None else budget

    def __repr__(self):
        return f"AdaptiveWindows(stream={self.stream}, connection={self.connection}, budget={self.budget!r})"

    def __eq__(self, other):
        cdef AdaptiveWindows others
        if not isinstance(other, AdaptiveWindows):
            return NotImplemented
        others = other
        return (self.stream, self.connection) == (others.stream, others.connection) and self.budget is others.budget

    def __hash__(self):
        return hash((self.stream, self.connection, id(self.budget)))
