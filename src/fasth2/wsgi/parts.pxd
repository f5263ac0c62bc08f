# The parts of a body that wait to be read, small ones joined.


cdef int add_part(object parts, bytes data) except -1
cdef bytes take_part(object parts)
