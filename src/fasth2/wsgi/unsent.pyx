"""Answers that wait for their clients: over a bound, no further request is started.

An answer that is whole holds no thread, so nothing else ends a client that asks and does not read. A connection's
largest answer does not count for its own bound: one large download holds up no other request. Where the process is over
its bound, a connection that has nothing waiting has one request started all the same: who reads is served, whoever does
not. What does not go on is reset after the worker's time-out.
"""
cimport cython

from fasth2._engine.stream cimport H2Stream


cdef int64_t all_but_largest(Core c) except -1:
    """Octets that wait on a connection, its largest answer not counted."""
    cdef H2Stream s
    cdef int64_t largest = 0
    for s in c.table.all():
        largest = max(largest, s.queued)
    return c.unsent - largest


@cython.final
cdef class Unsent:
    """The answers of all connections.

    Args:
        limits: A `WorkerLimits`.
    """

    def __init__(self, limits not None):
        self.connection_limit = limits.unsent_connection
        self.process_limit = limits.unsent_process
        self.held_back = {}

    cdef str refuses(self, Core c):
        """The name of the bound that keeps a connection from having a request started, or ``None``."""
        if c.unsent == 0:
            return None
        if c.unsent > self.connection_limit and all_but_largest(c) > self.connection_limit:
            return "unsent_connection"
        if self.total > self.process_limit:
            return "unsent_process"
        return None

    def release(self):
        """Return the clients whose requests may be started again; they are not held back any more."""
        cdef list released = []
        for session in list(self.held_back):
            if session.resumes():
                del self.held_back[session]
                released.append(session.client)
        return released
