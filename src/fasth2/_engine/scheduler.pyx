"""The choice of the stream that sends next: round-robin, or by priority (RFC 9218 section 10)."""
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
    """Return True if a frame of the stream can be sent now; END_STREAM alone and trailers need no window."""
    return s.queued == 0 or (s.out_window > 0 and c.out_window > 0)


cdef inline bint is_small(Core c, H2Stream s) noexcept:
    """Return True if the rest of the body fits one frame."""
    return s.queued <= <int64_t>c.max_out_frame and (s.ends or s.trailers is not None)


cdef bint next_turn(Core c, Turn *turn) noexcept:
    """Find the next turn by priority. Return False if no stream of the ring can send."""
    # Streams of the lowest urgency take turns, round-robin. Among streams that are not incremental, the first one uses
    # the turns of all of them: they are sent one after another at their common rate, and neither they nor the
    # incremental streams hold up the others. The first one is the one whose rest fits a frame, then the oldest.
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
    """Remove streams with an exhausted window from the ring; WINDOW_UPDATE puts them back."""
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
    """Send one frame of the first stream by priority (RFC 9218 section 10). Return False if none can send."""
    cdef Turn turn
    cdef H2Stream s, sender
    if not next_turn(c, &turn):
        drop_shut(c)
        return False
    # Strong references: the stream may end.
    s = <H2Stream>turn.stream
    sender = <H2Stream>turn.sender
    if not send_queued(c, sender, room):
        return False
    if s.in_turns:
        c.ring = s
    return True


cdef int64_t queued_in_window(Core c) noexcept:
    """Return the queued octets of body within the windows of the streams in the ring."""
    cdef H2Stream s = c.ring
    cdef int64_t total = 0
    while True:
        total += max(min(s.queued, s.out_window), 0)
        s = s.next
        if s is c.ring:
            return total


cdef bytes pull(Core c, Py_ssize_t most):
    """Take up to `most` octets of output (negative: all): frames already written, then queued bodies."""
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
                # Once around, and none could send: the position in the ring is unchanged.
                break
            elif stuck is None:
                stuck = s
            # Next in the ring, unless the stream left it.
            if c.ring is not None and c.ring.next is s:
                c.ring = s
    try:
        result = out_take(&c.out, most)
    finally:
        # Not `except`, which allocates memory.
        if result is None:
            # The output is lost: the peer could not parse what follows it.
            c.failed = True
            c.phase = C_CLOSED
            out_clear(&c.out)
    output_taken(&c.limits, PyBytes_GET_SIZE(result), c.out.length - c.out.start)
    return result
