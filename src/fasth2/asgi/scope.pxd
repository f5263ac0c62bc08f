# The ASGI scope of a request, from the decoder's own entries.
from fasth2._engine.core cimport RequestMaker
from fasth2._engine.headers cimport BlockInfo
from fasth2.asgi.field_rules cimport FieldRules
from fasth2.hpack.decoder cimport Entry


cdef class ScopeMaker(RequestMaker):
    cdef dict template               # what all requests share; has every key that each request sets
    cdef dict asgi                   # copied for each request
    cdef object state                # of the lifespan, or None
    cdef dict extensions             # copied for each request
    cdef str root_path
    cdef bytes raw_root_path
    cdef object authority            # the last value of :authority, and its pair (b"host", value)
    cdef tuple host
    cdef FieldRules rules            # None: every field is taken

    cdef bint fill(self, dict scope, Entry **fields, Py_ssize_t n, BlockInfo *info) except -1
    cdef dict new_scope(self, BlockInfo *info)
    cdef int set_target(self, dict scope, bytes target) except -1
    cdef dict new_extensions(self, BlockInfo *info)
