# The objects that `H2Connection.ready_requests` returns. The engine makes them
# with X.__new__(X) and sets every attribute. They are not tracked by the garbage
# collector: only a caller could build a reference cycle with them.

cdef enum:
    REQUEST_ = 0
    DATA_ = 1
    TRAILERS_ = 2
    RESET_ = 3
    GOAWAY_ = 4
    PRIORITY_ = 5
    LARGE_REQUEST_ = 6


cdef class Request:
    cdef readonly object stream_id     # int
    cdef readonly object headers       # list of (name, value)
    cdef readonly object priority      # (weight, depends_on, exclusive) or None
    cdef readonly object end_stream    # bool


cdef class LargeRequest:
    cdef readonly object stream_id     # int
    cdef readonly object headers       # list of (name, value), the fields within the limit
    cdef readonly object reason        # str
    cdef readonly object end_stream    # bool


cdef class Data:
    cdef readonly object stream_id                 # int
    cdef readonly object data                      # bytes
    cdef readonly object flow_controlled_length    # int, octets with padding
    cdef readonly object end_stream                # bool


cdef class Trailers:
    cdef readonly object stream_id    # int
    cdef readonly object headers      # list of (name, value)


cdef class Reset:
    cdef readonly object stream_id     # int
    cdef readonly object error_code    # int
    cdef readonly object remote        # bool


cdef class Goaway:
    cdef readonly object error_code         # int
    cdef readonly object last_stream_id     # int
    cdef readonly object additional_data    # bytes


cdef class Priority:
    cdef readonly object stream_id     # int
    cdef readonly object weight        # int, 1 to 256
    cdef readonly object depends_on    # int
    cdef readonly object exclusive     # bool
