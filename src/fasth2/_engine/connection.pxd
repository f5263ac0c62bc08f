from fasth2._engine.core cimport Core


cdef class H2Connection(Core):
    cdef dict __dict__
    cdef object __weakref__

    cdef int initialise(self, object config) except -1
