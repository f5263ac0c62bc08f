"""The state that the calls of a worker share: whose turn it is, and what detached calls ask the leader for."""
cimport cython
from libc.time cimport time as c_time

from collections import deque
from email.utils import formatdate

from fasth2.wsgi.atomics cimport load_number, store_flag, store_number
from fasth2.wsgi.call_state cimport CallState
from fasth2.wsgi.leader cimport Leadership
from fasth2.server.unsent cimport Unsent
from fasth2.wsgi.uploads cimport UPLOAD_WAITS, Uploads

from fasth2.wsgi.limits import WorkerLimits

cdef enum:
    # Ticks after a fast call during which the last free thread is reserved for fast calls.
    FAST_LATELY = 20


@cython.final
cdef class Dispatcher:
    """The state that all requests of a worker share, and the queues between detached calls and the leader.

    Args:
        application: The WSGI application.
        leadership: Decides which thread runs the event loop.
        wake: Called to end the leader's wait for events.
        report: Called with a call and the exception that ended it.
        server: The Server field for responses without one; empty: no field.
        timeout: Seconds that a client may take to send more of a body or to receive more of a response; ``None``:
            no limit.
        limits: A `WorkerLimits`; ``None`` for its defaults.
    """

    def __init__(self, application, Leadership leadership not None, wake, report, *, str server="", timeout=None,
                 limits=None):
        self.application = application
        self.leadership = leadership
        self.wake = wake
        self.report = report
        self.server = server
        self.timeout = -1.0 if timeout is None else timeout
        self.limit = 0x7FFFFFFFFFFFFFFF
        self.requests = deque()
        self.deferred = deque()
        limits = WorkerLimits() if limits is None else limits
        self.uploads = Uploads(limits)
        self.unsent = Unsent(limits.unsent_connection, limits.unsent_process)
        self.threads = 1
        self.slow = {}
        self.date = ""

    cdef int submit(self, CallState call, int what, object value, bint flag) except -1:
        """Queue an operation on a call's stream for the leader."""
        cdef bint polling
        with cython.critical_section(self):
            self.requests.append((call, what, value, flag))
            store_number(&self.asked, self.asked + 1)
            polling = self.polling
        if polling:
            self.wake()
        return 0

    cdef int submit_end(self, CallState call) except -1:
        """Queue the end of a detached call, behind its other operations. Allocates no memory."""
        cdef bint polling
        with cython.critical_section(self):
            call.next_ended = self.ended_calls
            self.ended_calls = call
            store_number(&self.asked, self.asked + 1)
            polling = self.polling
        if polling:
            self.wake()
        return 0

    cdef str now(self):
        """Return the value of the Date field, formatted once a second."""
        cdef long second = <long>c_time(NULL)
        if second != self.second or not self.date:
            self.date = formatdate(second, usegmt=True)
            self.second = second
        return self.date

    @property
    def progress(self):
        """A number that changes whenever a call begins or submits an operation, or a client receives response data."""
        return load_number(&self.leadership.calls) + load_number(&self.asked) + load_number(&self.taken)

    def before_poll(self):
        """Mark the leader as about to wait for events.

        Returns:
            True if it may wait; False if operations are queued.
        """
        with cython.critical_section(self):
            self.polling = True
            return not self.requests and self.ended_calls is None and self.ending is None

    def after_poll(self):
        """Mark the leader as awake."""
        with cython.critical_section(self):
            self.polling = False

    cdef int report_error(self, CallState call, object error) except -1:
        """Report an error; errors of the report itself are ignored."""
        try:
            self.report(call, error)
        except BaseException:
            pass  # the log cannot be written
        return 0

    cdef bint defer_if_slow(self, CallState call) except -1:
        """Defer a call to a path remembered as slow while the last free thread is reserved for fast calls.

        Returns:
            True if the call was deferred.
        """
        if self.may_run_slow() or call.path not in self.slow:
            return False
        self.deferred.append(call)
        store_flag(&self.leadership.calls_waiting, True)
        return True

    cdef bint may_run_slow(self) except -1:
        """Return True if a thread is free for a slow call, or no fast call has ended lately."""
        return self.leadership.idle or self.leadership.now() - self.fast_tick > FAST_LATELY

    cdef int update_calls_waiting(self) except -1:
        """Update the flag that makes a thread wake the leader when it becomes free."""
        store_flag(&self.leadership.calls_waiting, bool(self.uploads.waiting) or bool(self.deferred))
        return 0

    cdef int queue_upload(self, CallState call) except -1:
        """Queue a call for a thread, to read its body while it arrives."""
        self.uploads.wait(call, call.upload)
        store_flag(&self.leadership.calls_waiting, True)
        return 0

    cdef int start_upload(self, CallState call) except -1:
        """Take a call out of the upload queues: its body is complete, or nothing will read it."""
        cdef bint waited = call.upload.state == UPLOAD_WAITS
        self.uploads.start(call, call.upload)
        if waited:
            self.update_calls_waiting()
        return 0

    cdef bint may_run_upload(self) except -1:
        """Return True if a thread is free for such a call. The last free one is reserved for complete requests."""
        if self.threads > 1:
            return bool(self.leadership.idle)
        return not self.deferred

    def queue_paused(self, double now):
        """Queue the calls whose body has paused for a thread.

        Args:
            now: Seconds of a monotonic clock.
        """
        if self.uploads.queue_paused(now):
            store_flag(&self.leadership.calls_waiting, True)

    @property
    def calling(self):
        """True while any call is running, even if its client is gone."""
        return self.open_calls > 0

    @property
    def deferring(self):
        """True while slow calls are deferred in favour of fast ones."""
        return bool(self.deferred)

    @property
    def waits(self):
        """True if a deferred call or a waiting upload may be run now."""
        if self.deferred and self.may_run_slow():
            return True
        return bool(self.uploads.waiting) and self.may_run_upload()
