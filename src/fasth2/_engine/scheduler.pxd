# Which stream sends next.
from fasth2._engine.core cimport Core
from fasth2._engine.stream cimport H2Stream


# A stream has body and window, and does not send because another goes before it by priority.
cdef bint waits_behind(Core c, H2Stream s) noexcept
cdef bytes pull(Core c, Py_ssize_t most)
