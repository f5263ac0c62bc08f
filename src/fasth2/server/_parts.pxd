# Unread parts of a body, with small ones joined.


cdef int add_part(object parts, bytes data) except -1
cdef bytes take_part(object parts)
cdef bytes joined_parts(list parts)
