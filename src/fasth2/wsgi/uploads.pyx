"""Incomplete request bodies: buffered ones, those that wait for a thread, and those that are too slow.

A thread that reads a body waits for its client. So a small body is buffered first, which takes no thread. Meanwhile its
octets are returned to the connection's window as they arrive, but not to the stream's: one body holds at most the
stream's window, and all of them together at most `gathered_bodies`.
"""
cimport cython

from collections import OrderedDict


@cython.final
cdef class UploadQueue:
    """The requests of one connection that read their body while it arrives."""

    def __cinit__(self):
        self.waiting = {}


@cython.final
@cython.freelist(64)
cdef class Upload:
    """The body of one request."""


@cython.final
cdef class Uploads:
    """The bodies of all connections.

    Args:
        limits: A `WorkerLimits`.
    """

    def __init__(self, limits not None):
        self.gathered_body = limits.gathered_body
        self.gathered_bodies = limits.gathered_bodies
        self.gather_pause = limits.gather_pause
        self.min_body_rate = limits.min_body_rate
        self.gathering = {}
        self.waiting = {}
        self.queues = OrderedDict()

    cdef bint streams(self, int64_t expected) except -1:
        """Return True if a request starts before its body is complete. expected: its Content-Length, -1: none."""
        return expected > self.gathered_body or self.gathered_body <= 0

    cdef int gather(self, object call, Upload upload) except -1:
        """Let the loop buffer a body."""
        # The pause is measured from the next check on.
        upload.moved = True
        upload.state = UPLOAD_GATHERED
        self.gathering[call] = upload
        return 0

    cdef int wait(self, object call, Upload upload) except -1:
        """Queue a request for a thread that will read its body while it arrives."""
        self.waiting[call] = upload
        upload.queue.waiting[call] = None
        self.queues[upload.queue] = None
        self.gathering.pop(call, None)
        upload.state = UPLOAD_WAITS
        return 0

    cdef object first(self):
        """Take the next request: from the connections with the fewest started requests, round-robin."""
        cdef UploadQueue queue
        cdef UploadQueue least = None
        cdef Upload upload
        for queue in self.queues:
            if least is None or queue.started < least.started:
                least = queue
                if not least.started:
                    break
        call = next(iter(least.waiting))
        upload = self.waiting.pop(call)
        self.leave_queue(call, upload)
        if least.waiting:
            self.queues.move_to_end(least)
        upload.state = UPLOAD_STARTED
        upload.streams = True
        least.started += 1
        return call

    cdef int hold_back(self, Upload upload) except -1:
        """Hold back a request that `first` returned: its connection may not start one yet."""
        upload.state = UPLOAD_HELD_BACK
        if upload.streams:
            upload.streams = False
            upload.queue.started -= 1
        return 0

    cdef int leave_queue(self, object call, Upload upload) except -1:
        """Remove a request from its connection's queue."""
        cdef UploadQueue queue = upload.queue
        queue.waiting.pop(call, None)
        if not queue.waiting:
            self.queues.pop(queue, None)
        return 0

    cdef int start(self, object call, Upload upload) except -1:
        """Stop buffering or queueing a body that is complete or will not be read."""
        if upload.state == UPLOAD_GATHERED:
            self.gathering.pop(call, None)
        elif upload.state == UPLOAD_WAITS:
            self.waiting.pop(call, None)
            self.leave_queue(call, upload)
        upload.state = UPLOAD_STARTED
        return 0

    cdef bint repay(self, Upload upload, int64_t octets) except -1:
        """Count unread octets as returned to the connection's window. Return False if that exceeds the bound."""
        if self.held + octets > self.gathered_bodies:
            return False
        self.held += octets
        upload.repaid += octets
        return True

    cdef int64_t read(self, Upload upload, int64_t octets) except -1:
        """Count octets as read or dropped. Return how many of them are to be returned to the connection's window."""
        cdef int64_t repaid = min(octets, upload.repaid)
        upload.repaid -= repaid
        self.held -= repaid
        octets -= repaid
        upload.owed = max(upload.owed - octets, 0)
        return octets

    cdef int release(self, Upload upload) except -1:
        """Release the counts of a request that has ended."""
        if upload.streams:
            upload.streams = False
            upload.queue.started -= 1
        self.held -= upload.repaid
        upload.repaid = 0
        upload.owed = 0
        return 0

    def queue_paused(self, double now):
        """Queue the requests whose body has paused for a thread.

        Args:
            now: Seconds of a monotonic clock.

        Returns:
            True if there was any.
        """
        cdef Upload upload
        cdef list paused = []
        for call, upload in self.gathering.items():
            if upload.moved:
                upload.moved = False
                upload.still_since = now
            elif now - upload.still_since >= self.gather_pause:
                paused.append(call)
        for call in paused:
            self.wait(call, self.gathering[call])
        return bool(paused)

    cdef bint is_slow(self, Upload upload, double now, double timeout, bint waited) except -1:
        """Return True if a client has used up the time for its body. Called about once a second.

        A client starts with `timeout` seconds. Waiting for it uses them up; octets add time at `min_body_rate`, up to
        `timeout`. So a slow drip does not renew the time-out.

        Args:
            upload: The incomplete body.
            now: Seconds of a monotonic clock.
            timeout: Seconds.
            waited: True if the client could send and the worker waits for it.
        """
        cdef double seconds
        cdef int64_t octets = upload.arrived - upload.watched_octets
        if not upload.watched:
            upload.watched = True
            upload.time_left = timeout
        else:
            # After a long suspension of the process, no client is reset at once.
            seconds = min(now - upload.watched_at, timeout / 2)
            if octets:
                upload.time_left += octets / self.min_body_rate if self.min_body_rate > 0 else timeout
                upload.time_left = min(upload.time_left, timeout)
            if waited:
                upload.time_left -= seconds
            if upload.state == UPLOAD_WAITS or upload.state == UPLOAD_HELD_BACK:
                upload.waited += seconds
        upload.watched_at = now
        upload.watched_octets = upload.arrived
        return upload.time_left <= 0

    cdef bint waits_too_long(self, Upload upload, double timeout) except -1:
        """Return True if a request has waited too long for a thread, as of the last `is_slow`. timeout: seconds."""
        if upload.state != UPLOAD_WAITS and upload.state != UPLOAD_HELD_BACK:
            return False
        return upload.waited >= WAIT_TIMEOUTS * timeout
