# Request bodies that are not whole yet: which are gathered, which wait for a thread, which are too slow.
from libc.stdint cimport int64_t


cdef enum:
    # The loop gathers the body; the application is called once it is whole.
    UPLOAD_GATHERED = 0
    # The application is to read it while it arrives, and waits for a thread.
    UPLOAD_WAITS = 1
    # The same, while its connection has no request started.
    UPLOAD_HELD_BACK = 2
    # The application has been called, or is to be: the body is whole.
    UPLOAD_STARTED = 3


# How often the time-out a request may wait for a thread.
cdef enum:
    WAIT_TIMEOUTS = 4


cdef class UploadQueue:
    # The requests of one connection that are to read their body while it arrives.
    cdef dict waiting                # call -> None
    cdef int started                 # how many have a thread


cdef class Upload:
    # The body of one request. Used by the leader only.
    cdef int state                   # UPLOAD_*
    cdef UploadQueue queue                   # of its connection
    cdef bint streams                # it counts among those started
    cdef int64_t arrived             # octets so far
    cdef int64_t repaid              # octets unread that the connection's window has back
    cdef int64_t owed                # octets that it does not have back
    cdef bint moved                  # some arrived since the last look for pauses
    cdef double still_since          # when none did
    cdef bint watched                # `is_slow` has begun
    cdef double watched_at           # when it was called last
    cdef int64_t watched_octets      # and how many had arrived
    cdef double patience             # seconds that may be waited for it
    cdef double waited               # seconds that it has waited for a thread


cdef class Uploads:
    # Those of all connections. Used by the leader only.
    cdef readonly int64_t gathered_body
    cdef readonly int64_t gathered_bodies
    cdef readonly double gather_pause
    cdef readonly double min_body_rate
    cdef readonly int64_t held       # octets unread that their connection's window has back
    cdef readonly dict gathering     # call -> Upload
    cdef readonly dict waiting       # call -> Upload
    cdef object queues                # connections with one that waits, an OrderedDict: UploadQueue -> None

    cdef bint streams(self, dict environ, int64_t expected) except -1
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
