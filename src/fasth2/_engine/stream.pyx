"""One HTTP/2 stream (RFC 9113 section 5.1). Its states and their transitions are drawn in stream.pxd."""
import enum
from collections import deque

cimport cython

from fasth2._window cimport MAX_WINDOW


cdef extern from *:
    """
    /* Reads of a stream's number that another thread may change under the connection's lock: either the old or the new
       value is read. Excluded from ThreadSanitizer. */
    #if defined(__SANITIZE_THREAD__)
    #define FASTH2_UNLOCKED __attribute__((no_sanitize("thread"), noinline))
    #else
    #define FASTH2_UNLOCKED
    #endif
    FASTH2_UNLOCKED static uint8_t fasth2_look8(const uint8_t *p) { return *(const volatile uint8_t *)p; }
    FASTH2_UNLOCKED static int fasth2_look(const int *p) { return *(const volatile int *)p; }
    FASTH2_UNLOCKED static int64_t fasth2_look64(const int64_t *p) { return *(const volatile int64_t *)p; }
    FASTH2_UNLOCKED static void fasth2_put64(int64_t *p, int64_t value) { *(volatile int64_t *)p = value; }
    """
    uint8_t look8 "fasth2_look8"(const uint8_t *p) noexcept
    int look "fasth2_look"(const int *p) noexcept
    int64_t look64 "fasth2_look64"(const int64_t *p) noexcept
    void put64 "fasth2_put64"(int64_t *p, int64_t value) noexcept


class StreamState(enum.IntEnum):
    """States of a stream, RFC 9113 section 5.1."""

    IDLE = S_IDLE
    RESERVED_REMOTE = S_RESERVED_REMOTE
    RESERVED_LOCAL = S_RESERVED_LOCAL
    OPEN = S_OPEN
    HALF_CLOSED_REMOTE = S_HALF_CLOSED_REMOTE
    HALF_CLOSED_LOCAL = S_HALF_CLOSED_LOCAL
    CLOSED = S_CLOSED


class StreamClosedBy(enum.Enum):
    """How a stream was closed."""

    SEND_END_STREAM = BY_SEND_END_STREAM
    RECV_END_STREAM = BY_RECV_END_STREAM
    SEND_RST_STREAM = BY_SEND_RST_STREAM
    RECV_RST_STREAM = BY_RECV_RST_STREAM


@cython.final
cdef class StreamStateMachine:
    """The state of a stream, where h2 has it. Read only."""

    cdef H2Stream stream

    @property
    def state(self):
        """The stream's `StreamState`."""
        return self.stream.state

    @property
    def stream_id(self):
        """The stream's identifier."""
        return self.stream.stream_id


@cython.final
@cython.no_gc
@cython.freelist(64)
cdef class H2Stream:
    """A stream of a connection, a value of ``H2Connection.streams``. Made by the connection; one that is made otherwise
    is idle and belongs to none.

    Args:
        stream_id: The stream's identifier.
        config: Not used: the connection's counts.
        inbound_window_size: Octets of DATA that the peer may send.
        outbound_window_size: Octets of DATA that we may send.
    """

    @cython.critical_section
    def __init__(self, stream_id, config, inbound_window_size, outbound_window_size):
        cdef int64_t inbound = window_size(inbound_window_size)
        cdef int64_t outbound = window_size(outbound_window_size)
        cdef uint32_t sid = stream_id
        if self.stream_id is not None:
            raise RuntimeError("a stream is initialised once")
        start(self, sid, inbound, outbound)

    def __repr__(self):
        return f"<H2Stream id:{self.id} state:{StreamState(look8(&self.phase))!r}>"

    @property
    def state(self):
        """The stream's `StreamState` (RFC 9113 section 5.1)."""
        return StreamState(look8(&self.phase))

    @property
    def state_machine(self):
        """An object whose ``state`` is the stream's `StreamState`, as in h2."""
        cdef StreamStateMachine machine = StreamStateMachine.__new__(StreamStateMachine)
        machine.stream = self
        return machine

    @property
    def open(self):
        """True if the stream counts against SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 5.1.2)."""
        return look8(&self.phase) in (S_OPEN, S_HALF_CLOSED_REMOTE, S_HALF_CLOSED_LOCAL)

    @property
    def closed(self):
        """True if the stream is closed."""
        return look8(&self.phase) == S_CLOSED

    @property
    def closed_by(self):
        """How the stream was closed, a `StreamClosedBy`, or ``None``."""
        cdef int reason = look(&self.closed_reason)
        return None if reason < 0 else StreamClosedBy(reason)

    @property
    def inbound_flow_control_window(self):
        """Octets of DATA the peer may still send on this stream (RFC 9113 section 6.9)."""
        return look64(&self.window.current)

    @property
    def outbound_flow_control_window(self):
        """Octets of DATA that the stream's own window lets us send (RFC 9113 section 6.9)."""
        return look64(&self.out_window)

    @outbound_flow_control_window.setter
    def outbound_flow_control_window(self, value):
        put64(&self.out_window, window_size(value))

    @property
    def unsent(self):
        """Octets of body that the connection has queued for this stream."""
        return look64(&self.queued)


cdef H2Stream new_stream(uint32_t stream_id, int64_t receive_window, int64_t send_window):
    cdef H2Stream s = H2Stream.__new__(H2Stream)
    start(s, stream_id, receive_window, send_window)
    return s


cdef int start(H2Stream s, uint32_t stream_id, int64_t receive_window, int64_t send_window) except -1:
    s.id = stream_id
    s.stream_id = stream_id
    s.closed_reason = BY_NOTHING
    s.window.maximum = receive_window
    s.window.current = receive_window
    s.out_window = send_window
    s.expected = -1
    s.urgency = URGENCY_DEFAULT
    s.incremental = True
    return 0


cdef int64_t window_size(object value) except? -1:
    """Convert a window's size, below 0 after a smaller SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.9.2)."""
    cdef int64_t size = value
    if not -MAX_WINDOW <= size <= MAX_WINDOW:
        raise ValueError(f"a window of {value} octets: at most 2**31 - 1")
    return size


cdef int queue_body(H2Stream s, bytes chunk) except -1:
    """Queue octets, by reference."""
    if not chunk:
        return 0
    if s.chunk is None:
        s.chunk = chunk
        s.offset = 0
    elif s.later is None:
        s.later = deque((chunk,))
    else:
        s.later.append(chunk)
    s.queued += len(chunk)
    return 0


cdef void queue_clear(H2Stream s) noexcept:
    """Drop the queue at the end of the stream."""
    s.chunk = None
    s.later = None
    s.trailers = None
    s.offset = 0
    s.queued = 0
    s.copied = 0
    s.ends = False
