# Incomplete request bodies: buffered ones, those that wait for a thread, and those that are too slow.
from libc.stdint cimport int64_t


cdef enum:
    # The loop buffers the body; the application is called once it is complete.
    UPLOAD_GATHERED = 0
    # The application will read it while it arrives, and waits for a thread.
    UPLOAD_WAITS = 1
    # The same, while no request of its connection may be started.
    UPLOAD_HELD_BACK = 2
    # The application has been called, or the body is complete.
    UPLOAD_STARTED = 3


# How long a request may wait for a thread, in multiples of the time-out.
cdef enum:
    WAIT_TIMEOUTS = 4


cdef class UploadQueue:
    # The requests of one connection that read their body while it arrives.
    cdef dict waiting                # call -> None, in order
    cdef int started                 # number of requests that have a thread


cdef class Upload:
    # The body of one request. Used by the leader only.
    cdef int state                   # UPLOAD_*
    cdef UploadQueue queue           # of its connection
    cdef bint streams                # counted in `queue.started`
    cdef int64_t arrived             # octets received
    cdef int64_t repaid              # unread octets whose credit was returned to the connection's window
    cdef int64_t owed                # unread octets whose credit was not
    cdef bint moved                  # octets arrived since the last check for pauses
    cdef double still_since          # time of the first check since which none arrived
    cdef bint watched                # `is_slow` was called
    cdef double watched_at           # time of its last call
    cdef int64_t watched_octets      # octets received by then
    cdef double time_left            # seconds left to wait for the client
    cdef double waited               # seconds waited for a thread


cdef class Uploads:
    # The bodies of all connections. Used by the leader only.
    cdef readonly int64_t gathered_body
    cdef readonly int64_t gathered_bodies
    cdef readonly double gather_pause
    cdef readonly double min_body_rate
    cdef readonly int64_t held       # unread octets whose credit was returned to their connection's window
    cdef readonly dict gathering     # call -> Upload
    cdef readonly dict waiting       # call -> Upload
    cdef object queues               # connections with a waiting request, an OrderedDict: UploadQueue -> None

    cdef bint streams(self, int64_t expected) except -1
    cdef int gather(self, object call, Upload upload) except -1
    cdef int wait(self, object call, Upload upload) except -1
    cdef object first(self)
    cdef int hold_back(self, Upload upload) except -1
    cdef int leave_queue(self, object call, Upload upload) except -1
    cdef int start(self, object call, Upload upload) except -1
    cdef bint repay(self, Upload upload, int64_t octets) except -1
    cdef int64_t read(self, Upload upload, int64_t octets) except -1
    cdef int release(self, Upload upload) except -1
    cdef bint is_slow(self, Upload upload, double now, double timeout, bint waited) except -1
    cdef bint waits_too_long(self, Upload upload, double timeout) except -1
