# Flow-control windows (RFC 9113 section 5.2 and 6.9). Both kinds are 64-bit
# so that no legal sequence of frames can overflow the arithmetic.
from libc.stdint cimport int64_t

cdef enum:
    MAX_WINDOW = 0x7FFFFFFF


cdef struct ReceiveWindow:
    int64_t maximum      # octets: the largest value the window has had
    int64_t current      # octets the peer may still send; negative after a smaller SETTINGS
    int64_t processed    # octets acknowledged by the application and not yet returned by WINDOW_UPDATE
    int64_t grown        # octets of the maximum that adapting to the link has added


cdef inline void window_init(ReceiveWindow *w, int64_t size) noexcept nogil:
    w.maximum = size
    w.current = size
    w.processed = 0
    w.grown = 0


cdef inline bint window_consume(ReceiveWindow *w, int64_t size) noexcept nogil:
    """Subtract a received frame's octets from the window. Return False if they exceed it.

    An empty frame needs no window, which may be negative (RFC 9113 section 6.9.1).
    """
    w.current -= size
    return w.current >= 0 or size == 0


cdef inline bint window_open(ReceiveWindow *w, int64_t size) noexcept nogil:
    """Increase the window. Return False, changing nothing, if it would exceed 2**31 - 1."""
    if w.current + size > MAX_WINDOW:
        return False
    w.current += size
    if w.current > w.maximum:
        w.maximum = w.current
    return True


cdef inline int64_t window_process(ReceiveWindow *w, int64_t size) noexcept nogil:
    """Count `size` octets as processed. Return the increment to send to the peer (0: none yet).

    h2's policy, so that windows are the same: a quarter of a small window or
    1,024 octets once the peer is blocked, half the window otherwise.
    """
    cdef int64_t increment, threshold
    w.processed += size
    if w.processed == 0:
        return 0
    threshold = w.maximum // 4
    if threshold > 1024:
        threshold = 1024
    if (w.current == 0 and w.processed > threshold) or w.processed >= w.maximum // 2:
        increment = w.maximum - w.current
        if w.processed < increment:
            increment = w.processed
        w.processed = 0
        w.current += increment
        return increment
    return 0
