"""Which stream sends next: plain turns, or by priority (RFC 9218 section 10)."""
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.core cimport C_CLOSED, may_send
from fasth2._engine.limits cimport output_taken
from fasth2._engine.send cimport send_queued
from fasth2._frames cimport FRAME_HEADER, out_clear, out_reserve, out_take

cdef struct Turn:
    void *stream             # whose turn it is (borrowed H2Stream)
    void *sender             # the stream that uses it (borrowed)


cdef inline bint is_ready(Core c, H2Stream s) noexcept:
    """Return True if a frame of the stream could go out now; END_STREAM alone and trailers need no window."""
    return s.queued == 0 or (s.out_window > 0 and c.out_window > 0)


cdef inline bint is_small(Core c, H2Stream s) noexcept:
    """Return True if all that is left fits one frame."""
    return s.queued <= <int64_t>c.max_out_frame and (s.ends or s.trailers is not None)


cdef bint next_turn(Core c, Turn *turn) noexcept:
    """Find the next turn by priority; False: no stream of the ring can send."""
    # Each stream of the lowest urgency has its turn, round and round. Streams that are not incremental stand in
    # line: the first of them uses the turns of all, so that one after another is sent at their common rate, and a
    # line never holds up those that take turns, nor they the line. The small come first in line, then the oldest.
    #
    # The ring is only read, through borrowed pointers: no stream can leave it meanwhile.
    cdef void *last = <void *>c.ring
    cdef void *at = <void *>c.ring.next
    cdef void *first = NULL
    cdef bint first_small = False
    cdef bint small
    cdef uint8_t lowest = 8
    turn.stream = NULL
    while True:
        if (<H2Stream>at).urgency <= lowest and is_ready(c, <H2Stream>at):
            if (<H2Stream>at).urgency < lowest:
                lowest = (<H2Stream>at).urgency
                turn.stream = at
                first = NULL
            if not (<H2Stream>at).incremental:
                small = is_small(c, <H2Stream>at)
                if first == NULL or small > first_small or (
                        small == first_small and (<H2Stream>at).id < (<H2Stream>first).id):
                    first = at
                    first_small = small
        if at == last:
            break
        at = <void *>(<H2Stream>at).next
    if turn.stream == NULL:
        return False
    turn.sender = turn.stream if (<H2Stream>turn.stream).incremental else first
    return True


cdef bint waits_behind(Core c, H2Stream s) noexcept:
    cdef H2Stream t
    if not c.prioritized or not s.in_turns or s.out_window <= 0:
        return False
    t = s.next
    while t is not s:
        if t.queued > 0 and t.out_window > 0:
            if t.urgency < s.urgency:
                return True
            if t.urgency == s.urgency and t.id < s.id and not t.incremental and not s.incremental:
                return True
        t = t.next
    return False


cdef int drop_shut(Core c) except -1:
    """Let the streams whose own window is shut leave the ring: WINDOW_UPDATE brings them back."""
    cdef H2Stream last = c.ring
    cdef H2Stream s = last.next
    cdef H2Stream following
    while True:
        following = s.next
        if s.queued and s.out_window <= 0:
            c.leave_ring(s)
        if s is last:
            return 0
        s = following


cdef bint send_by_priority(Core c, Py_ssize_t room) except -1:
    """One frame of the stream that comes first by priority (RFC 9218 section 10); False: none can send."""
    cdef Turn turn
    cdef H2Stream s, sender
    if not next_turn(c, &turn):
        drop_shut(c)
        return False
    # Kept alive: the stream may end.
    s = <H2Stream>turn.stream
    sender = <H2Stream>turn.sender
    if not send_queued(c, sender, room):
        return False
    if s.in_turns:
        c.ring = s
    return True


cdef int64_t queued_in_window(Core c) noexcept:
    """Octets of body that the windows of the streams in the ring let out."""
    cdef H2Stream s = c.ring
    cdef int64_t total = 0
    while True:
        total += max(min(s.queued, s.out_window), 0)
        s = s.next
        if s is c.ring:
            return total


cdef bytes pull(Core c, Py_ssize_t most):
    """Up to `most` octets of output (negative: all there is): what is written already, then queued bodies by turns."""
    cdef H2Stream s, stuck
    cdef Py_ssize_t room, wanted
    cdef bytes result = None
    if c.ring is not None and may_send(c) and (most < 0 or c.out.length - c.out.start < most):
        wanted = <Py_ssize_t>min(queued_in_window(c), max(c.out_window, 0))
        wanted += (wanted // <Py_ssize_t>c.max_out_frame + 1) * FRAME_HEADER
        if most >= 0 and wanted > most - (c.out.length - c.out.start):
            wanted = most - (c.out.length - c.out.start)
        out_reserve(&c.out, wanted)
        stuck = None
        while c.ring is not None:
            room = -1 if most < 0 else most - (c.out.length - c.out.start)
            if most >= 0 and room <= FRAME_HEADER and c.out.length > c.out.start:
                break
            if c.prioritized:
                if not send_by_priority(c, room):
                    break
                continue
            s = c.ring.next
            if send_queued(c, s, room):
                stuck = None
            elif s is stuck:
                # Round once, and none could send: the turn stays where it was.
                break
            elif stuck is None:
                stuck = s
            # Next in the ring, unless the stream left it.
            if c.ring is not None and c.ring.next is s:
                c.ring = s
    try:
        result = out_take(&c.out, most)
    finally:
        # Not `except`: that needs memory itself.
        if result is None:
            # What was handed out is gone: the peer cannot follow what would come after it.
            c.failed = True
            c.phase = C_CLOSED
            out_clear(&c.out)
    output_taken(&c.limits, PyBytes_GET_SIZE(result), c.out.length - c.out.start)
    return result
