"""The slim objects that `H2Connection.ready_requests` returns, for the frames on which a server acts.

Each class has ``kind``, one of the module's constants, so that a loop can
branch on an int.
"""
import cython

from fasth2._engine.members cimport as_members

REQUEST = REQUEST_
DATA = DATA_
TRAILERS = TRAILERS_
RESET = RESET_
GOAWAY = GOAWAY_
PRIORITY = PRIORITY_
LARGE_REQUEST = LARGE_REQUEST_


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Request:
    """A request's header list was received.

    ``headers`` is a list of ``(name, value)``, pseudo-header fields first and
    cookies joined; ``end_stream`` says that no body follows; ``priority`` is
    ``(weight, depends_on, exclusive)`` or ``None``.
    """

    kind = REQUEST_

    def __repr__(self):
        return (
            f"<Request stream_id:{self.stream_id}, headers:{self.headers}, end_stream:{self.end_stream}, "
            f"priority:{self.priority}>"
        )


@cython.final
@cython.no_gc
cdef class LargeRequest:
    """A request whose header list exceeds a limit was received, to be answered with 431 (RFC 6585 section 5).

    Only where `H2Connection.answers_large_requests` is set. ``headers`` is a list of those fields that were within the
    limit, or of ``:method`` alone where these break a rule or do not make a request; ``reason`` says which limit it is;
    ``end_stream``: see `Request`.
    """

    kind = LARGE_REQUEST_

    def __repr__(self):
        return f"<LargeRequest stream_id:{self.stream_id}, reason:{self.reason}, end_stream:{self.end_stream}>"


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Data:
    """A part of a request's body was received.

    ``flow_controlled_length`` is what the part cost of the windows, padding
    included; ``end_stream`` says that it is the last part.
    """

    kind = DATA_

    def __repr__(self):
        return (
            f"<Data stream_id:{self.stream_id}, octets:{len(self.data)}, "
            f"flow_controlled_length:{self.flow_controlled_length}, end_stream:{self.end_stream}>"
        )


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Trailers:
    """A request's trailers, which end it, were received. ``headers`` is a list of ``(name, value)``."""

    kind = TRAILERS_

    def __repr__(self):
        return f"<Trailers stream_id:{self.stream_id}, headers:{self.headers}>"


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Reset:
    """A stream was reset: by the peer (``remote``), or by the engine for the peer's fault."""

    kind = RESET_

    def __repr__(self):
        return f"<Reset stream_id:{self.stream_id}, error_code:{self.error_code}, remote:{self.remote}>"


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Goaway:
    """The peer has sent GOAWAY."""

    kind = GOAWAY_

    def __repr__(self):
        return (
            f"<Goaway error_code:{self.error_code}, last_stream_id:{self.last_stream_id}, "
            f"additional_data:{self.additional_data!r}>"
        )


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class Priority:
    """The peer has set a stream's priority (RFC 7540 section 5.3); advisory only."""

    kind = PRIORITY_

    def __repr__(self):
        return (
            f"<Priority stream_id:{self.stream_id}, weight:{self.weight}, depends_on:{self.depends_on}, "
            f"exclusive:{self.exclusive}>"
        )


cdef int without_getters() except -1:
    as_members(Request, Request.__new__(Request), ("stream_id", "headers", "priority", "end_stream"))
    as_members(LargeRequest, LargeRequest.__new__(LargeRequest), ("stream_id", "headers", "reason", "end_stream"))
    as_members(Data, Data.__new__(Data), ("stream_id", "data", "flow_controlled_length", "end_stream"))
    as_members(Trailers, Trailers.__new__(Trailers), ("stream_id", "headers"))
    as_members(Reset, Reset.__new__(Reset), ("stream_id", "error_code", "remote"))
    as_members(Goaway, Goaway.__new__(Goaway), ("error_code", "last_stream_id", "additional_data"))
    as_members(Priority, Priority.__new__(Priority), ("stream_id", "weight", "depends_on", "exclusive"))
    return 0


without_getters()
