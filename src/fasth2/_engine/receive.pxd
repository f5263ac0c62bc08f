# Receiving: octets in, events out.
from libc.stdint cimport uint8_t

from fasth2._engine.core cimport Core

cdef list receive(Core c, const uint8_t *p, Py_ssize_t n, bint slim)
