# The streams of one connection's requests, and its output.
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2.asgi.response_head cimport ResponseHead
from fasth2.asgi.service cimport Service
from fasth2.server._protocol cimport ServerProtocol


cdef class Streams:
    cdef readonly ServerProtocol protocol
    cdef Core core                   # the protocol's
    cdef readonly Service service
    cdef readonly object transport   # None once the connection has ended
    cdef readonly dict exchanges     # stream id -> exchange whose response or application has not ended
    cdef dict rooms                  # stream id -> futures that wait until it has room, or None
    cdef readonly dict tunnels       # stream id -> `Tunnel` of which both sides are open
    cdef readonly Py_ssize_t abandoned       # applications that run though their stream was reset, or ended
    cdef Py_ssize_t completed        # responses not yet counted in the host
    cdef int answers                 # responses since the last early flush
    cdef int64_t send_buffer
    cdef int64_t counted             # octets of the service's `unsent`
    cdef int tasks_made              # in this turn of the loop, of those that do not start at once
    cdef object start_pending        # called after each flush while requests wait to be started, or None
    cdef public object access_log    # called with each scope and status, or None
    cdef public object on_flushed    # called after each flush while the connection is about to end, or None
    cdef object timer                # of unread uploads, or None
    cdef bint receiving              # octets are being processed: output is sent at their end
    cdef bint scheduled              # a flush is due
    cdef bint started_tasks          # tasks that will run soon were made from the octets being processed
    cdef bint paused                 # the transport takes no more output
    cdef unsigned long resumed       # how often the transport has taken output again
    cdef bint reads_paused           # nor is input read
    cdef bint alone                  # no other connection of the service is busy

    cdef bint respond(self, uint32_t stream_id, ResponseHead head, bytes data, bint ends, list trailers) except -1
    cdef bint write(self, uint32_t stream_id, bytes data, bint ends, list trailers) except -1
    cdef bint inform(self, uint32_t stream_id, int status, list fields) except -1
    cdef int reset(self, uint32_t stream_id, uint32_t code) except -1
    cdef int prioritize(self, uint32_t stream_id, int urgency, bint incremental) except -1
    cdef bint has_stream(self, uint32_t stream_id) except -1
    cdef int64_t buffer_size(self) except -1
    cdef bint is_full(self, uint32_t stream_id) except -1
    cdef int count_unsent(self) except -1
    cdef int arrived(self, uint32_t stream_id, int64_t octets, int64_t padding) except -1
    cdef int read(self, uint32_t stream_id, int64_t octets) except -1
    cdef int leave_unread(self, uint32_t stream_id) except -1
    cdef object wait_for_room(self, uint32_t stream_id)
    cdef int open_room(self, uint32_t stream_id) except -1
    cdef int open_rooms(self) except -1
    cdef int response_ended(self) except -1
    cdef int output_due(self) except -1
    cdef bytes take_output(self)
    cdef int write_output(self) except -1
    cdef int count_completed(self) except -1
    cdef int reset_unread(self) except -1
