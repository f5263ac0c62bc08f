# Whose turn it is to send, where streams of the ring have priorities (RFC 9218 section 10).
from fasth2._engine.core cimport Core
from fasth2._engine.stream cimport H2Stream


cdef struct Turn:
    void *stream             # whose turn it is (borrowed H2Stream)
    void *sender             # the stream that uses it (borrowed)

# Find the next turn; False: no stream of the ring can send.
cdef bint next_turn(Core c, Turn *turn) noexcept

# Whether a stream has body and window, and does not send because another goes before it by priority.
cdef bint waits_behind(Core c, H2Stream s) noexcept
