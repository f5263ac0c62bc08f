"""Request bodies that are not whole yet: which are gathered, which wait for a thread, which are too slow.

A thread that reads a body waits for its client. So a small body is gathered first, and takes no thread. While it is, the
connection's window gets its octets back as they come, that of its stream does not: what one body holds is the stream's
window, and what all hold is bounded by `gathered_bodies`.
"""
cimport cython

from collections import OrderedDict


@cython.final
cdef class UploadQueue:
    """The requests of one connection that are to read their body while it arrives."""

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

    cdef bint streams(self, dict environ, int64_t expected) except -1:
        """Whether a request is to start before its body is whole. expected: its Content-Length, -1: none."""
        cdef object kind
        if expected > self.gathered_body or self.gathered_body <= 0:
            return True
        kind = environ.get("CONTENT_TYPE")
        return kind is not None and kind.lower().startswith("application/grpc")

    cdef int gather(self, object call, Upload upload) except -1:
        """Have the loop gather a body."""
        # A look for pauses is at hand: from there it counts.
        upload.moved = True
        upload.state = UPLOAD_GATHERED
        self.gathering[call] = upload
        return 0

    cdef int wait(self, object call, Upload upload) except -1:
        """Have a request wait for a thread that may read its body while it arrives."""
        self.waiting[call] = upload
        upload.queue.waiting[call] = None
        self.queues[upload.queue] = None
        self.gathering.pop(call, None)
        upload.state = UPLOAD_WAITS
        return 0

    cdef object first(self):
        """Take the request that is next: of a connection that has the fewest started, of these in turns."""
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
        """The request that `first` returned may not start yet."""
        upload.state = UPLOAD_HELD_BACK
        if upload.streams:
            upload.streams = False
            upload.queue.started -= 1
        return 0

    cdef int leave_queue(self, object call, Upload upload) except -1:
        """A request waits no more."""
        cdef UploadQueue queue = upload.queue
        queue.waiting.pop(call, None)
        if not queue.waiting:
            self.queues.pop(queue, None)
        return 0

    cdef int start(self, object call, Upload upload) except -1:
        """A body is whole, or nobody will read it: it is neither gathered nor waits any more."""
        if upload.state == UPLOAD_GATHERED:
            self.gathering.pop(call, None)
        elif upload.state == UPLOAD_WAITS:
            self.waiting.pop(call, None)
            self.leave_queue(call, upload)
        upload.state = UPLOAD_STARTED
        return 0

    cdef bint repay(self, Upload upload, int64_t octets) except -1:
        """Whether the connection's window may have octets back before they are read; then they are held."""
        if self.held + octets > self.gathered_bodies:
            return False
        self.held += octets
        upload.repaid += octets
        return True

    cdef int64_t read(self, Upload upload, int64_t octets) except -1:
        """Octets were read, or dropped; return how many of them the connection's window is to have back."""
        cdef int64_t repaid = min(octets, upload.repaid)
        upload.repaid -= repaid
        self.held -= repaid
        octets -= repaid
        upload.owed = max(upload.owed - octets, 0)
        return octets

    cdef int release(self, Upload upload) except -1:
        """The request is over: nothing of its body is held any more."""
        if upload.streams:
            upload.streams = False
            upload.queue.started -= 1
        self.held -= upload.repaid
        upload.repaid = 0
        upload.owed = 0
        return 0

    def queue_paused(self, double now):
        """Have the requests wait for a thread whose body has paused.

        Args:
            now: Seconds, of a clock that never goes back.

        Returns:
            Whether there was any.
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
        """Whether a client has used up the time for its body. Called about once a second.

        It has `timeout` seconds in hand. Waiting for it uses them up, what it sends gives them back at
        `min_body_rate`, and never more than these. So a drip does not renew them.

        Args:
            upload: The body, not whole.
            now: Seconds.
            timeout: Seconds.
            waited: Whether the client could send, and the worker waits for it.
        """
        cdef double seconds
        cdef int64_t octets = upload.arrived - upload.watched_octets
        if not upload.watched:
            upload.watched = True
            upload.patience = timeout
        else:
            # A worker that has slept cuts nobody off at once.
            seconds = min(now - upload.watched_at, timeout / 2)
            if octets:
                upload.patience += octets / self.min_body_rate if self.min_body_rate > 0 else timeout
                upload.patience = min(upload.patience, timeout)
            if waited:
                upload.patience -= seconds
            if upload.state == UPLOAD_WAITS or upload.state == UPLOAD_HELD_BACK:
                upload.waited += seconds
        upload.watched_at = now
        upload.watched_octets = upload.arrived
        return upload.patience <= 0

    cdef bint waits_too_long(self, Upload upload, double timeout) except -1:
        """Whether a request has waited for a thread for too long, as far as `is_slow` has seen. timeout: seconds."""
        if upload.state != UPLOAD_WAITS and upload.state != UPLOAD_HELD_BACK:
            return False
        return upload.waited >= WAIT_TIMEOUTS * timeout
