# The server's side of an HTTP/2 connection, sans-I/O.
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.connection cimport H2Connection
from fasth2._engine.stream cimport H2Stream
from fasth2.server._unread_uploads cimport UnreadUploads


cdef class ServerProtocol:
    cdef H2Connection core           # the engine made by this object
    cdef public object engine        # the same, unless a host has replaced it
    cdef public object options       # `fasth2.server._options.Options`
    cdef public dict streams         # stream id -> the holder's stream
    cdef public list pending         # requests that arrived during another wait, or None
    cdef public bint initialized     # this side's SETTINGS were sent
    cdef public bint draining        # the peer sent GOAWAY(NO_ERROR): close once no stream is open
    cdef public bint closed          # the connection has ended
    cdef public object error         # the error that has ended or will end it, or None
    cdef public object refused_above         # the last stream that is served, ANY_STREAM, or None
    cdef public set unreleased       # streams that the peer reset while the application works on them, or None
    cdef public object record        # for the holder
    cdef readonly UnreadUploads unread       # answered uploads that continue, or None
    cdef readonly object shutdown    # `fasth2.server._shutdown.Shutdown`, or None
    cdef public double began         # time of its creation, in seconds
    cdef object refusals             # `fasth2.server._refusals.Refusals`, or None
    cdef dict sending                # stream id -> `fasth2.server._progress.SendProgress`, or None

    cdef object receive_octets(self, const uint8_t *p, Py_ssize_t n)
    cdef object keep_error(self, object error)
    cdef int receive_reset(self, object item, list requests, object handler) except -1
    cpdef bint refuse(self, object stream_id) except -1
    cdef int refuse_unreleased(self, object stream_id) except -1
    cdef bint refused_too_often(self) except -1
    cdef int add_unread(self, H2Stream stream, int64_t octets, double deadline) except -1
    cdef list take_unread(self, double now)
    cdef int reset_unread(self, list stream_ids) except -1
    cdef list stuck_streams(self, double now, double timeout)
    cdef int name_last_stream(self, object last_stream_id) except -1
