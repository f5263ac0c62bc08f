# The WSGI environment of a request, from the decoder's own entries.
from fasth2._engine.core cimport RequestMaker
from fasth2._engine.headers cimport BlockInfo
from fasth2.hpack.decoder cimport Entry


cdef class FieldRule:
    cdef readonly str key            # in the environment
    cdef readonly int kind


cdef class EnvironMaker(RequestMaker):
    cdef dict template               # what all requests share; has every key that each request sets
    cdef dict rules                  # name -> FieldRule; shared by connections under the same header policy
    cdef object make_rule                # makes a FieldRule of a name
    cdef dict schemes                # name -> value that means https
    cdef bint trusted                # the peer's :scheme is believed
    cdef Py_ssize_t line_size        # characters of the path, 0: no limit
    cdef Py_ssize_t count            # fields, 0: no limit
    cdef Py_ssize_t field_size       # characters of a name and value and their two separators, 0: no limit
    cdef str script_name
    cdef bint keep                   # make returns the fields too
    cdef bint decline_all            # every request is left to the fallback

    cdef FieldRule rule_of(self, object name)
    cdef bint fill(self, dict environ, Entry **fields, Py_ssize_t n, BlockInfo *info) except -1
    cdef bint set_path(self, dict environ, str uri) except -1


cpdef str percent_decoded(str text)
