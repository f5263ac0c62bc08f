# Attributes that the interpreter reads without a call.

cdef dict as_members(type cls, object blank, tuple names)
