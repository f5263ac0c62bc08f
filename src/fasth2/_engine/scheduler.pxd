# The choice of the stream that sends next.
from fasth2._engine.core cimport Core
from fasth2._engine.stream cimport H2Stream


# Return True if a stream has a queued body and window, and another stream precedes it by priority.
cdef bint waits_behind(Core c, H2Stream s) noexcept
cdef bytes pull(Core c, Py_ssize_t most)
