# A token bucket. Time comes from the caller, so the engine reads no clock
# except on the frames it counts.

cdef struct TokenBucket:
    double tokens
    double burst         # tokens the bucket holds; negative: no limit
    double rate          # tokens a second
    double last          # seconds, the time of the last take
    bint started


cdef inline void bucket_init(TokenBucket *b, double burst, double rate) noexcept nogil:
    b.tokens = burst
    b.burst = burst
    b.rate = rate
    b.last = 0
    b.started = False


cdef inline bint bucket_take(TokenBucket *b, double now) noexcept nogil:
    """Take one token. Return False if the bucket is empty. The caller has checked that burst is not negative."""
    if b.started:
        if now > b.last:
            b.tokens += (now - b.last) * b.rate
            if b.tokens > b.burst:
                b.tokens = b.burst
            b.last = now
    else:
        b.started = True
        b.last = now
    if b.tokens < 1:
        return False
    b.tokens -= 1
    return True
