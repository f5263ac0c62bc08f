"""The WSGI environment (PEP 3333), built from the header decoder's entries.

The fast path for common requests. Any other request is declined: its fields are
returned as a list, for the host's fallback.
"""
cimport cython
from cpython.dict cimport PyDict_Contains, PyDict_Copy, PyDict_GetItemWithError, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport (
    PyUnicode_1BYTE_DATA,
    PyUnicode_CheckExact,
    PyUnicode_DecodeLatin1,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_Substring,
)
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr

from cpython.mem cimport PyMem_Free, PyMem_Malloc

from fasth2.hpack.fields cimport (
    F_CONTROL,
    F_COOKIE,
    F_KIND_SHIFT,
    F_PSEUDO,
    KIND_AUTHORITY,
    KIND_METHOD,
    KIND_PATH,
    KIND_SCHEME,
)
from fasth2._engine.headers cimport BlockInfo, plain_pairs
from fasth2._percent cimport percent_decode
from fasth2.hpack.decoder cimport Entry

from fasth2._memo import remember

# How a field is treated.
PLAIN = PLAIN_
SINGLETON = SINGLETON_
SCHEME = SCHEME_
LEFT_OUT = LEFT_OUT_
HOST = HOST_
DECLINE = DECLINE_

cdef enum:
    PLAIN_ = 0
    SINGLETON_ = 1       # may occur once
    SCHEME_ = 2          # tells the scheme
    LEFT_OUT_ = 3        # not in the environment
    HOST_ = 4
    DECLINE_ = 5         # a request with it is declined

# Number of names whose rules are remembered, and the longest of them, in characters.
cdef enum:
    NAMES = 1024
    LONGEST = 64

cdef str REQUEST_METHOD = "REQUEST_METHOD"
cdef str RAW_URI = "RAW_URI"
cdef str PATH_INFO = "PATH_INFO"
cdef str QUERY_STRING = "QUERY_STRING"
cdef str HTTP_HOST = "HTTP_HOST"
cdef str HTTP_COOKIE = "HTTP_COOKIE"
cdef str URL_SCHEME = "wsgi.url_scheme"


@cython.final
cdef class FieldRule:
    """How fields of one name enter the environment.

    Args:
        key: Its key.
        kind: One of the module's constants.
    """

    def __init__(self, str key not None, int kind):
        self.key = key
        self.kind = kind


cpdef str percent_decoded(str text):
    """Decode percent-encoding, as PEP 3333 requires of PATH_INFO.

    Args:
        text: The path, latin-1.

    Returns:
        The decoded octets as latin-1 text.
    """
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    cdef const uint8_t *p
    cdef uint8_t *out
    if n == 0 or PyUnicode_KIND(text) != 1:
        return text
    p = PyUnicode_1BYTE_DATA(text)
    if memchr(p, 0x25, n) == NULL:
        return text
    out = <uint8_t *>PyMem_Malloc(n)
    if out == NULL:
        raise MemoryError
    try:
        return PyUnicode_DecodeLatin1(<const char *>out, percent_decode(p, n, out), NULL)
    finally:
        PyMem_Free(out)


cdef inline bint added(dict environ, str key, object value) except -1:
    """Set a key that has no value yet. Return False, changing nothing, if it has one."""
    # Not PyDict_SetDefault: where the dict finds no memory to grow, CPython 3.13's returns the value with an error set,
    # and counts an entry that is not there.
    if PyDict_Contains(environ, key):
        return False
    PyDict_SetItem(environ, key, value)
    return True


cdef dict one_more(dict repeated, dict environ, str key, object value):
    """Add a further value of a repeated field."""
    cdef object several
    if repeated is None:
        repeated = {}
    several = repeated.get(key)
    if several is None:
        repeated[key] = [environ[key], value]
    else:
        (<list>several).append(value)
    return repeated


@cython.final
cdef class EnvironMaker(RequestMaker):
    """Makes the environments of one connection's requests.

    ``make`` returns a dict, or for a declined request the list of its ``(name, value)`` pairs;
    with ``keep`` a tuple of the dict and that list.

    Args:
        template: The initial content of every environment.
        rules: Names to `FieldRule`, filled as names are met.
        make_rule: Called with a name that is not in ``rules``, returns its `FieldRule`.
        schemes: Names of fields that tell the scheme, with the value that means https.
        trusted: True to believe ``:scheme``.
        line_size: Largest path in characters; 0: no limit.
        count: Largest number of fields; 0: no limit.
        field_size: Largest size of a field in characters, name and value and two separators; 0: no limit.
        script_name: The prefix of every path.
        keep: True to return the fields too.
        decline_all: True to decline all requests.
    """

    def __init__(self, dict template not None, dict rules not None, make_rule, dict schemes not None, *,
                 bint trusted=False, Py_ssize_t line_size=0, Py_ssize_t count=0, Py_ssize_t field_size=0,
                 str script_name="", bint keep=False, bint decline_all=False):
        # Present in the template, so that setting them in a copy never grows the dict.
        self.template = {
            **template, REQUEST_METHOD: "GET", RAW_URI: "/", PATH_INFO: "/", QUERY_STRING: "", HTTP_HOST: "",
            "wsgi.input": None, "wsgi.early_hints": None, "gunicorn.http2.send_trailers": None,
            "wsgi.ext.http.send_trailers": None,
        }
        self.rules = rules
        self.make_rule = make_rule
        self.schemes = schemes
        self.trusted = trusted
        self.line_size = line_size
        self.count = count
        self.field_size = field_size
        self.script_name = script_name
        self.keep = keep
        self.decline_all = decline_all

    cdef object make(self, Entry **fields, Py_ssize_t n, BlockInfo *info):
        cdef dict environ
        if self.decline_all:
            return plain_pairs(fields, n, info.cookies)
        environ = PyDict_Copy(self.template)
        if not self.fill(environ, fields, n, info):
            return plain_pairs(fields, n, info.cookies)
        if self.keep:
            return environ, plain_pairs(fields, n, info.cookies)
        return environ

    cdef FieldRule rule_of(self, object name):
        cdef PyObject *found = PyDict_GetItemWithError(self.rules, name)
        cdef FieldRule rule
        if found != NULL:
            return <FieldRule>found
        rule = self.make_rule(name)
        if PyUnicode_GET_LENGTH(name) <= LONGEST:
            remember(self.rules, name, rule, NAMES)
        return rule

    cdef bint fill(self, dict environ, Entry **fields, Py_ssize_t n, BlockInfo *info) except -1:
        """Fill the environment from the decoded fields. Return False to decline the request."""
        cdef Py_ssize_t i
        cdef Py_ssize_t pseudo = 0
        cdef Entry *e
        cdef uint32_t kind
        cdef FieldRule rule
        cdef bint authority = False
        cdef bint path = False
        cdef object host = None
        cdef object scheme = None
        cdef object forwarded = None
        cdef object cookie = None
        # Cookie crumbs and repeated fields' values, joined once at the end.
        cdef list crumbs = None
        cdef dict repeated = None
        for i in range(n):
            e = fields[i]
            if e.value == NULL or e.flags & F_CONTROL or not PyUnicode_CheckExact(<object>e.value):
                return False
            if e.flags & F_PSEUDO:
                pseudo += 1
                kind = e.flags >> F_KIND_SHIFT
                if kind == KIND_METHOD:
                    PyDict_SetItem(environ, REQUEST_METHOD, <object>e.value)
                elif kind == KIND_PATH:
                    if not self.set_path(environ, <str>e.value):
                        return False
                    path = True
                elif kind == KIND_AUTHORITY:
                    if PyUnicode_GET_LENGTH(<object>e.value):
                        authority = True
                        PyDict_SetItem(environ, HTTP_HOST, <object>e.value)
                elif kind == KIND_SCHEME:
                    scheme = <object>e.value
                else:
                    return False
                continue
            if self.field_size and <Py_ssize_t>e.size - 32 + 2 > self.field_size:
                return False
            if e.flags & F_COOKIE:
                if cookie is None:
                    cookie = <object>e.value
                elif crumbs is None:
                    crumbs = [cookie, <object>e.value]
                else:
                    crumbs.append(<object>e.value)
                continue
            rule = self.rule_of(<object>e.name)
            if rule.kind == PLAIN_:
                if not added(environ, rule.key, <object>e.value):
                    # A repeated field: no plain field has a key of the template.
                    repeated = one_more(repeated, environ, rule.key, <object>e.value)
            elif rule.kind == SINGLETON_:
                if not added(environ, rule.key, <object>e.value):
                    return False
            elif rule.kind == HOST_:
                host = <object>e.value
            elif rule.kind == SCHEME_:
                value = "https" if self.schemes[(<str>e.name).upper()] == <object>e.value else "http"
                if forwarded is not None and forwarded != value:
                    return False
                forwarded = value
                if not added(environ, rule.key, <object>e.value):
                    repeated = one_more(repeated, environ, rule.key, <object>e.value)
            elif rule.kind == DECLINE_:
                return False
        if not path:
            # CONNECT (RFC 9113 section 8.5).
            return False
        if self.count and n - pseudo - max(info.cookies - 1, 0) > self.count:
            return False
        if not authority:
            if host is None:
                del environ[HTTP_HOST]
            else:
                PyDict_SetItem(environ, HTTP_HOST, host)
        if repeated is not None:
            for key, several in repeated.items():
                environ[key] = ",".join(several)
        if crumbs is not None:
            cookie = "; ".join(crumbs)
        if cookie is not None:
            if self.field_size and PyUnicode_GET_LENGTH(cookie) + 8 > self.field_size:
                return False
            PyDict_SetItem(environ, HTTP_COOKIE, cookie)
        if forwarded is not None:
            PyDict_SetItem(environ, URL_SCHEME, forwarded)
        elif self.trusted and scheme is not None:
            PyDict_SetItem(environ, URL_SCHEME, scheme)
        return True

    cdef bint set_path(self, dict environ, str uri) except -1:
        cdef Py_ssize_t n = PyUnicode_GET_LENGTH(uri)
        cdef Py_ssize_t end
        cdef const uint8_t *p
        cdef const void *mark
        cdef str path
        if n == 0 or PyUnicode_KIND(uri) != 1 or (self.line_size and n > self.line_size):
            return False
        p = PyUnicode_1BYTE_DATA(uri)
        if p[0] != 0x2F or memchr(p, 0x23, n) != NULL:
            return False
        PyDict_SetItem(environ, RAW_URI, uri)
        path = uri
        mark = memchr(p, 0x3F, n)
        if mark != NULL:
            end = <const uint8_t *>mark - p
            PyDict_SetItem(environ, QUERY_STRING, PyUnicode_Substring(uri, end + 1, n))
            path = PyUnicode_Substring(uri, 0, end)
        if self.script_name:
            if not path.startswith(self.script_name):
                return False
            path = path[len(self.script_name):]
        PyDict_SetItem(environ, PATH_INFO, percent_decoded(path))
        return True
