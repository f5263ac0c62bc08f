"""A call as its connection sees it: the request's body, the response's head and trailers, and how far it has come."""
cimport cython


cdef class CallState(Waiter):
    """A request and its response."""

    cdef ResponseHead begun_response(self):
        """Return the head of the last `start_response` call, or ``None``."""
        with cython.critical_section(self):
            return self.response

    cdef list take_trailers(self):
        """Take the trailers, for the caller to send; ``None`` without trailers."""
        cdef list trailers
        with cython.critical_section(self):
            trailers = self.trailers
            self.trailers = None
        return trailers
