"""Rules for the fields of requests, given by the host."""
cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject

from fasth2._memo import remember

__all__ = ["DECLINE", "PLAIN", "SCHEME", "SINGLETON", "FieldRules"]

# How a field is treated.
PLAIN = RULE_PLAIN
SINGLETON = RULE_SINGLETON
SCHEME = RULE_SCHEME
DECLINE = RULE_DECLINE

cdef enum:
    # Number of names whose rules are remembered, and the longest of them, in octets.
    NAMES = 1024
    LONGEST = 64
    # Number of names that may occur once. Requests with further ones are declined.
    SINGLETONS = 30


@cython.final
cdef class FieldRules:
    """Rules for the fields of requests: which a `ScopeMaker` takes, and which make it decline a request.

    A request with a control character that RFC 9110 section 5.5 forbids is declined as well.

    Args:
        rule_of: Called with a name, bytes, once; returns one of the module's constants.
        schemes: Names of fields that tell the scheme, with the value that means https; bytes.
        trusted: True to believe ``:scheme``.
        line_size: Largest target in octets; 0: no limit.
        count: Largest number of fields; 0: no limit.
        field_size: Largest size of a field in octets, name and value and two separators; 0: no limit.
    """

    def __init__(self, rule_of, dict schemes not None, *, bint trusted=False, Py_ssize_t line_size=0,
                 Py_ssize_t count=0, Py_ssize_t field_size=0):
        self.rules = {}
        self.singletons = {}
        self.rule_of = rule_of
        self.schemes = schemes
        self.trusted = trusted
        self.line_size = line_size
        self.count = count
        self.field_size = field_size

    cdef int rule(self, object name) except -1:
        """Return the rule of a name; that of a singleton with its number."""
        cdef PyObject *found = PyDict_GetItemWithError(self.rules, name)
        cdef int rule
        if found != NULL:
            return <object>found
        rule = self.rule_of(name)
        if rule == RULE_SINGLETON:
            if name not in self.singletons:
                if len(self.singletons) == SINGLETONS:
                    return RULE_DECLINE
                self.singletons[name] = rule | len(self.singletons) << 2
            rule = self.singletons[name]
        if PyBytes_GET_SIZE(name) <= LONGEST:
            remember(self.rules, name, rule, NAMES)
        return rule
