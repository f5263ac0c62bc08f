# Attributes that the interpreter reads by itself, without a call.

cdef dict as_members(type cls, object blank, tuple names)
