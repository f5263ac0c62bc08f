# The upgrade from HTTP/1.1 by ``Upgrade: h2c``.
from fasth2._engine.core cimport Core

cdef bytes upgrade_settings(object header)
cdef int upgrade(Core c, bytes payload) except -1
cdef bytes upgrade_as_client(Core c)
