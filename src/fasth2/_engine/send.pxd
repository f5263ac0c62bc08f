# The sending path: calls of the application are converted to frames. Arguments
# are checked before any state changes.
from libc.stdint cimport int64_t, uint8_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2._engine.stream cimport H2Stream
from fasth2._frames cimport FLAG_END_STREAM, FLAG_PRIORITY


cdef struct Prefix:
    # Octets before a field block: the priority of HEADERS, or the stream that PUSH_PROMISE promises.
    uint8_t[5] octets
    Py_ssize_t length


cdef inline uint8_t header_flags(bint end_stream, const Prefix *priority) noexcept:
    """Return the flags of HEADERS."""
    return (FLAG_END_STREAM if end_stream else 0) | (FLAG_PRIORITY if priority != NULL else 0)


cdef int must_be_open(Core c) except -1
cdef int encode_block(Core c, uint32_t stream_id, uint8_t type, uint8_t flags, const Prefix *before=*,
                      Py_ssize_t more=*) except -1
cdef int write_settings(Core c, dict settings, bint preface) except -1
cdef int send_headers(Core c, uint32_t stream_id, object headers, bint end_stream, const Prefix *before) except -1
cdef int send_data(Core c, uint32_t stream_id, const uint8_t *data, Py_ssize_t n, bint end_stream,
                   int pad_length) except -1
cdef int end_stream(Core c, uint32_t stream_id) except -1
cdef int push_stream(Core c, uint32_t stream_id, uint32_t promised, object headers) except -1
cdef bint respond(Core c, uint32_t stream_id, int status, object headers, object body, object trailers,
                  bint end_stream) except -1
cdef list prepared_trailers(Core c, object trailers)
cdef bint respond_converted(Core c, uint32_t stream_id, int status, bytes body, bint copied, list prepared,
                            bint end_stream) except -1
cdef int64_t write_body(Core c, uint32_t stream_id, object data, bint end_stream) except -1
cdef int write_trailers(Core c, uint32_t stream_id, list prepared) except -1
cdef int reset_stream(Core c, uint32_t stream_id, uint32_t code) except -1
cdef int send_queued(Core c, H2Stream s, Py_ssize_t room) except -1
