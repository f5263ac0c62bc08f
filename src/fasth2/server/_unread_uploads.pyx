"""Unread uploads: requests that were answered while the client was still sending."""
cimport cython
from libc.math cimport INFINITY

from fasth2._engine.stream cimport S_CLOSED, stream_has_queue


@cython.final
cdef class _Upload:
    cdef H2Stream stream
    cdef int64_t window      # octets of its window at which it is reset
    cdef double deadline     # time at which it is reset at the latest; infinite before its response is sent


@cython.final
cdef class UnreadUploads:
    """The streams whose response is complete, and whose client may continue to send for a while.

    Such a stream is reset with NO_ERROR (RFC 9113 section 8.1). Some clients report an error instead of the response
    if they receive the reset together with it. So the reset is delayed until the client has sent some more, or its time
    is over. A client that ends its request gets no reset. Only the connection's window is credited meanwhile.
    """

    def __cinit__(self):
        self.uploads = []

    def __len__(self):
        return len(self.uploads)

    cdef int add(self, H2Stream stream, int64_t octets, double deadline) except -1:
        """Let a client continue to send.

        octets: it is reset after so many more octets, or when its window is exhausted, since it cannot send more then.
        deadline: time of the reset; infinite: the time begins when `take_due` finds that the response is sent.
        """
        cdef _Upload upload = _Upload.__new__(_Upload)
        upload.stream = stream
        # What a window has grown by may be on its way.
        upload.window = max(stream.window.current - stream.window.grown - octets, 0)
        upload.deadline = deadline
        self.uploads.append(upload)
        return 0

    cdef list take_due(self, double now, double seconds, double full_window_wait):
        """Return the ids of the streams to reset now; remove them and those that have ended.

        seconds: from the end of the response to the reset. full_window_wait: the same if the client has no window left.
        """
        cdef _Upload upload
        cdef H2Stream stream
        cdef list due = []
        cdef list kept = []
        for upload in self.uploads:
            stream = upload.stream
            if stream.phase == S_CLOSED:
                continue
            if upload.deadline == INFINITY:
                if stream_has_queue(stream):
                    kept.append(upload)
                    continue
                upload.deadline = now + seconds
            if stream.window.current <= 0:
                # The client cannot send more, so waiting is useless.
                upload.deadline = min(upload.deadline, now + full_window_wait)
            if now >= upload.deadline or (stream.window.current <= upload.window and stream.window.current > 0):
                due.append(stream.stream_id)
            else:
                kept.append(upload)
        self.uploads = kept
        return due

    cdef double next_deadline(self) noexcept:
        """Return the next deadline; infinite: none is set yet."""
        cdef double soonest = INFINITY
        cdef _Upload upload
        for upload in self.uploads:
            if upload.stream.phase != S_CLOSED:
                soonest = min(soonest, upload.deadline)
        return soonest
