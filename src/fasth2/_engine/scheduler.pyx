"""The order of streams that are ready to send: RFC 9218 section 10."""
from libc.stdint cimport int64_t, uint8_t

from fasth2._engine.stream cimport H2Stream


cdef inline bint is_ready(Core c, H2Stream s) noexcept:
    """Whether a frame of the stream could go out now; END_STREAM alone and trailers need no window."""
    return s.queued == 0 or (s.out_window > 0 and c.out_window > 0)


cdef inline bint is_small(Core c, H2Stream s) noexcept:
    """Whether all that is left fits one frame."""
    return s.queued <= <int64_t>c.max_out_frame and (s.ends or s.trailers is not None)


cdef bint next_turn(Core c, Turn *turn) noexcept:
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
