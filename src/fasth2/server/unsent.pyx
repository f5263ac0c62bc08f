"""Bounds for unsent responses: above a bound, no further request is started.

A complete response holds no thread, so nothing else stops a client that sends requests and does not read. A
connection's largest response does not count for its own bound, so that one large download holds up no other request.
While the process is above its bound, a connection without unsent octets may still start one request, so that clients
that read are served. A response without progress is reset after the worker's time-out.
"""
cimport cython

from fasth2._engine.stream cimport H2Stream


cdef int64_t all_but_largest(Core c) except -1:
    """Return the unsent octets of a connection, without those of its largest response."""
    cdef H2Stream s
    cdef int64_t largest = 0
    for s in c.table.all():
        largest = max(largest, s.queued)
    return c.unsent - largest


@cython.final
cdef class Unsent:
    """The unsent responses of all connections.

    Args:
        connection_limit: Unsent octets of a connection, without those of its largest response.
        process_limit: Unsent octets of all connections.
    """

    def __init__(self, int64_t connection_limit, int64_t process_limit):
        self.connection_limit = connection_limit
        self.process_limit = process_limit
        self.held_back = {}

    cdef str refuses(self, Core c):
        """Return the name of the bound that prevents a connection from starting a request, or ``None``."""
        if c.unsent == 0:
            return None
        if self.is_crowded(c):
            return "unsent_connection"
        if self.total > self.process_limit:
            return "unsent_process"
        return None

    cdef bint is_crowded(self, Core c) except -1:
        """Return True if a connection is above its bound."""
        return c.unsent > self.connection_limit and all_but_largest(c) > self.connection_limit

    def release(self):
        """Remove the connections that may start requests again from `held_back`, and return them."""
        cdef list released = []
        for streams in list(self.held_back):
            if streams.resumes():
                del self.held_back[streams]
                released.append(streams)
        return released
