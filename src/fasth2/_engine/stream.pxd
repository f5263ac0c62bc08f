# One stream: its state, its windows and its send queue. Every transition of the state is a function of this file.
#
# RFC 9113 section 5.1, figure 2. H: HEADERS, PP: PUSH_PROMISE, ES: END_STREAM, R: RST_STREAM.
#
#                              +--------+
#                      send PP |        | recv PP
#                     ,--------+  idle  +--------.
#                    /         |        |         \
#                   v          +--------+          v
#            +----------+          |           +----------+
#            |          |          | send H /  |          |
#     ,------+ reserved |          | recv H    | reserved +------.
#     |      | (local)  |          |           | (remote) |      |
#     |      +---+------+          v           +------+---+      |
#     |          |             +--------+             |          |
#     |          |     recv ES |        | send ES     |          |
#     |   send H |     ,-------+  open  +-------.     | recv H   |
#     |          |    /        |        |        \    |          |
#     |          v   v         +---+----+         v   v          |
#     |      +----------+          |           +----------+      |
#     |      |   half-  |          |           |   half-  |      |
#     |      |  closed  |          | send R /  |  closed  |      |
#     |      | (remote) |          | recv R    | (local)  |      |
#     |      +----+-----+          |           +-----+----+      |
#     |           |                |                 |           |
#     |           | send ES /      |       recv ES / |           |
#     |           |  send R /      v        send R / |           |
#     |           |  recv R    +--------+   recv R   |           |
#     | send R /  `----------->|        |<-----------'  send R / |
#     | recv R                 | closed |               recv R   |
#     `----------------------->|        |<-----------------------'
#                              +--------+
#
#   send H or recv H of an idle stream    stream_open
#   send PP                               stream_reserve
#   recv PP                               stream_promise
#   send H of a reserved (local) stream   stream_open_reserved
#   recv H of a reserved (remote) stream  stream_open_promised
#   send ES, recv ES                      stream_end_sent, stream_end_received
#   send R, recv R                        stream_close
from libc.stdint cimport int64_t, uint8_t, uint32_t

from fasth2._priority cimport URGENCY_DEFAULT
from fasth2._window cimport ReceiveWindow

cdef enum:
    S_IDLE = 0
    S_RESERVED_REMOTE = 1
    S_RESERVED_LOCAL = 2
    S_OPEN = 3
    S_HALF_CLOSED_REMOTE = 4
    S_HALF_CLOSED_LOCAL = 5
    S_CLOSED = 6

cdef enum:
    BY_NOTHING = -1          # unknown: closed implicitly, or forgotten
    BY_SEND_END_STREAM = 0
    BY_RECV_END_STREAM = 1
    BY_SEND_RST_STREAM = 2
    BY_RECV_RST_STREAM = 3


cdef class H2Stream:
    cdef readonly object stream_id
    cdef uint32_t id
    cdef int closed_reason           # BY_*
    # Flags are octets: a stream is small.
    cdef uint8_t phase               # S_*
    cdef uint8_t headers_sent        # the request or the final response
    cdef uint8_t headers_received    # the same of the peer
    cdef uint8_t connected           # opened by CONNECT: a tunnel after the response
    cdef uint8_t heads               # opened by HEAD: the response has no content
    cdef uint8_t ends                # END_STREAM after the queue
    cdef uint8_t in_turns            # in the connection's ring of streams ready to send
    cdef uint8_t incremental         # RFC 9218; True also without a priority. Changed by Core.set_priority()
    cdef uint8_t urgency             # 0 (first) to 7, likewise
    cdef uint32_t interim            # informational responses received
    cdef object authority            # of the request sent or promised to us: bytes or str; None: not known
    cdef ReceiveWindow window        # octets the peer may send us
    cdef int64_t out_window          # octets we may send; negative after a smaller SETTINGS
    cdef int64_t expected            # content-length, -1: none
    cdef int64_t received            # octets of body so far
    # send queue: `chunk` from `offset` on, then `later`
    cdef bytes chunk
    cdef Py_ssize_t offset           # octets of chunk already framed
    cdef object later                # deque of bytes objects, or None
    cdef int64_t queued              # octets of body not yet framed
    cdef int64_t copied              # octets of them that the engine copied
    cdef list trailers               # prepared trailer fields after the queue, or None
    cdef H2Stream next               # in the ring of streams ready to send


cdef H2Stream new_stream(uint32_t stream_id, int64_t receive_window, int64_t send_window)
cdef int queue_body(H2Stream s, bytes chunk) except -1
cdef void queue_clear(H2Stream s) noexcept


cdef inline void stream_open(H2Stream s) noexcept:
    """HEADERS sent or received: idle to open."""
    s.phase = S_OPEN


cdef inline void stream_reserve(H2Stream s) noexcept:
    """PUSH_PROMISE sent: idle to reserved (local)."""
    s.phase = S_RESERVED_LOCAL


cdef inline void stream_promise(H2Stream s) noexcept:
    """PUSH_PROMISE received: idle to reserved (remote)."""
    s.phase = S_RESERVED_REMOTE


cdef inline void stream_open_promised(H2Stream s) noexcept:
    """HEADERS received: reserved (remote) to half-closed (local)."""
    s.phase = S_HALF_CLOSED_LOCAL


cdef inline void stream_open_reserved(H2Stream s) noexcept:
    """HEADERS sent: reserved (local) to half-closed (remote)."""
    s.phase = S_HALF_CLOSED_REMOTE


cdef inline bint stream_end_sent(H2Stream s) noexcept:
    """END_STREAM sent: open to half-closed (local). Return True if the stream has to be closed."""
    if s.phase == S_OPEN:
        s.phase = S_HALF_CLOSED_LOCAL
        return False
    return True


cdef inline bint stream_end_received(H2Stream s) noexcept:
    """END_STREAM received: open to half-closed (remote). Return True if the stream has to be closed."""
    if s.phase == S_OPEN:
        s.phase = S_HALF_CLOSED_REMOTE
        return False
    return True


cdef inline void stream_close(H2Stream s, int reason) noexcept:
    """The second END_STREAM, or RST_STREAM from either side: any state to closed. reason: BY_*."""
    s.phase = S_CLOSED
    s.closed_reason = reason


cdef inline bint stream_is_reserved(H2Stream s) noexcept:
    """Return True if we have promised the stream and the response has not begun."""
    return s.phase == S_RESERVED_LOCAL


cdef inline bint stream_is_promised(H2Stream s) noexcept:
    """Return True if the peer has promised the stream and the response has not begun."""
    return s.phase == S_RESERVED_REMOTE


cdef inline bint stream_is_open(H2Stream s) noexcept:
    """Return True if the stream counts against SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 5.1.2)."""
    return s.phase == S_OPEN or s.phase == S_HALF_CLOSED_REMOTE or s.phase == S_HALF_CLOSED_LOCAL


cdef inline bint stream_may_send(H2Stream s) noexcept:
    return s.phase == S_OPEN or s.phase == S_HALF_CLOSED_REMOTE


cdef inline bint stream_may_receive(H2Stream s) noexcept:
    return s.phase == S_OPEN or s.phase == S_HALF_CLOSED_LOCAL


cdef inline bint stream_has_priority(H2Stream s) noexcept:
    """Return True if the stream has a priority other than the default of round-robin."""
    return s.urgency != URGENCY_DEFAULT or not s.incremental


cdef inline bint stream_has_queue(H2Stream s) noexcept:
    """Return True if body, trailers or END_STREAM are queued."""
    return s.queued > 0 or s.ends or s.trailers is not None
