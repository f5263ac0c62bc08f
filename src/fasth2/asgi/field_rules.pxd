# Rules for the fields of requests, given by the host.

cdef enum:
    RULE_PLAIN = 0
    RULE_SINGLETON = 1       # may occur once
    RULE_SCHEME = 2          # tells the scheme
    RULE_DECLINE = 3         # a request with it is declined


cdef class FieldRules:
    cdef dict rules                  # name -> rule, and the number of a singleton times four; filled as names are met
    cdef object rule_of              # makes a rule of a name
    cdef readonly dict schemes       # name -> value that means https
    cdef readonly bint trusted       # the client's :scheme is believed
    cdef Py_ssize_t line_size        # octets of the target, 0: no limit
    cdef Py_ssize_t count            # fields, 0: no limit
    cdef Py_ssize_t field_size       # octets of a name and value and their two separators, 0: no limit
    cdef dict singletons             # name -> rule, of those that may occur once

    cdef int rule(self, object name) except -1
