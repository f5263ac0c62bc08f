# The streams of a connection as a mapping.
from fasth2._engine.core cimport Core

# Make the mapping of a connection.
cdef object map_of(Core c)

# Drop the streams that a mapping leaves out. The caller has not claimed the connection.
cdef int leave_out(Core c, dict kept) except -1
