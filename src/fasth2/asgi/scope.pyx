"""The ASGI scope of a request, built from the header decoder's entries."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_GetItemWithError, PyDict_SetItem
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr

from fasth2._engine.headers cimport BlockInfo, plain_pairs
from fasth2._percent cimport percent_decode
from fasth2.asgi.field_rules cimport RULE_DECLINE, RULE_PLAIN, RULE_SCHEME, FieldRules
from fasth2._priority cimport (
    PRIORITY_HAS_URGENCY,
    PRIORITY_INCREMENTAL,
    PRIORITY_URGENCY,
    URGENCY_DEFAULT,
)
from fasth2.hpack.decoder cimport Entry, entry_pair
from fasth2.hpack.fields cimport (
    F_CONTROL,
    F_COOKIE,
    F_HOST,
    F_KIND_SHIFT,
    F_PSEUDO,
    KIND_AUTHORITY,
    KIND_METHOD,
    KIND_PATH,
    KIND_PROTOCOL,
    KIND_SCHEME,
)

from fasth2._memo import remember

__all__ = ["ScopeMaker"]

cdef enum:
    # Number of remembered methods, and the longest of them in octets.
    METHODS = 64
    LONGEST_METHOD = 32

cdef dict _methods = {}      # octets -> str

cdef str TYPE = "type"
cdef str METHOD = "method"
cdef str PATH = "path"
cdef str RAW_PATH = "raw_path"
cdef str QUERY_STRING = "query_string"
cdef str HEADERS = "headers"
cdef str SCHEME = "scheme"
cdef str ASGI = "asgi"
cdef str STATE = "state"
cdef str EXTENSIONS = "extensions"
cdef str PRIORITY = "http.response.priority"


cdef object method_text(bytes method):
    cdef PyObject *found = PyDict_GetItemWithError(_methods, method)
    if found != NULL:
        return <object>found
    text = method.decode("latin-1")
    if PyBytes_GET_SIZE(method) <= LONGEST_METHOD:
        remember(_methods, method, text, METHODS)
    return text


cdef str decoded_path(const char *p, Py_ssize_t n):
    """Decode percent-encoding, and then UTF-8; invalid octets become U+FFFD."""
    cdef uint8_t *out = <uint8_t *>PyMem_Malloc(n)
    if out == NULL:
        raise MemoryError
    try:
        return PyUnicode_DecodeUTF8(<const char *>out, percent_decode(<const uint8_t *>p, n, out), "replace")
    finally:
        PyMem_Free(out)


cdef str scheme_text(bytes scheme):
    if scheme == b"https":
        return "https"
    return "http" if scheme == b"http" else scheme.decode("latin-1")


@cython.final
cdef class ScopeMaker(RequestMaker):
    """Makes the scopes of one connection's requests.

    ``make`` returns a dict; or, for a request that is declined, the list of its ``(name, value)`` pairs. CONNECT without
    ``:protocol`` is declined, since it has no path, and what the rules say. The scope of an extended CONNECT has
    ``type`` "websocket" and the value of ``:protocol`` under "protocol", which whoever serves it removes.

    Args:
        template: The initial content of every scope.
        server: The server's address.
        client: The client's address, or ``None``.
        scheme: "http" or "https".
        extensions: The extensions of every scope.
        rules: Rules for the fields; ``None``: every field is taken.
        prepends_root_path: True if paths begin with the template's ``root_path``, which is put before the target.
    """

    def __init__(self, dict template not None, server, client, str scheme not None, dict extensions not None,
                 FieldRules rules=None, bint prepends_root_path=True):
        self.template = dict(template)
        self.template.update(server=server, client=client, scheme=scheme)
        self.asgi = template["asgi"]
        self.state = template.get("state")
        self.extensions = {**extensions, PRIORITY: None}
        self.root_path = template["root_path"] if prepends_root_path else ""
        self.raw_root_path = self.root_path.encode()
        self.rules = rules

    cdef object make(self, Entry **fields, Py_ssize_t n, BlockInfo *info):
        cdef dict scope = self.new_scope(info)
        if not self.fill(scope, fields, n, info):
            return plain_pairs(fields, n, info.cookies)
        return scope

    cdef bint fill(self, dict scope, Entry **fields, Py_ssize_t n, BlockInfo *info) except -1:
        """Fill the scope from the decoded fields. Return False to decline the request."""
        cdef FieldRules rules = self.rules
        cdef list headers = []
        cdef list crumbs = None
        cdef Py_ssize_t i
        cdef Entry *e
        cdef uint32_t kind
        cdef object protocol = None
        cdef object scheme = None
        cdef object told = None
        cdef Py_ssize_t place = 0
        cdef Py_ssize_t pseudo = 0
        cdef Py_ssize_t cookie = 8       # the size of the joined field
        cdef Py_ssize_t most
        cdef int rule
        cdef uint32_t seen = 0
        cdef bint path = False
        cdef bint authority = False
        if rules is not None and info.flags & F_CONTROL:
            return False
        most = 0 if rules is None else rules.field_size
        for i in range(n):
            e = fields[i]
            if e.flags & F_PSEUDO:
                pseudo += 1
                kind = e.flags >> F_KIND_SHIFT
                if kind == KIND_METHOD:
                    PyDict_SetItem(scope, METHOD, method_text(<object>e.value))
                elif kind == KIND_PATH:
                    if rules is not None and rules.line_size and PyBytes_GET_SIZE(<object>e.value) > rules.line_size:
                        return False
                    self.set_target(scope, <bytes>e.value)
                    path = True
                elif kind == KIND_AUTHORITY:
                    if PyBytes_GET_SIZE(<object>e.value):
                        authority = True
                        if <object>e.value is not self.authority:
                            self.authority = <object>e.value
                            self.host = (b"host", <object>e.value)
                        headers.append(self.host)
                elif kind == KIND_PROTOCOL:
                    protocol = <object>e.value
                elif kind == KIND_SCHEME:
                    scheme = <object>e.value
                continue
            if most and <Py_ssize_t>e.size - 32 + 2 > most:
                return False
            if e.flags & F_COOKIE and info.cookies > 1:
                # RFC 9113 section 8.2.3.
                if crumbs is None:
                    crumbs = []
                    place = len(headers)
                crumbs.append(<object>e.value)
                cookie += PyBytes_GET_SIZE(<object>e.value) + 2
                continue
            if rules is not None:
                rule = rules.rule(<object>e.name)
                if rule != RULE_PLAIN:
                    if rule == RULE_DECLINE:
                        return False
                    if rule == RULE_SCHEME:
                        value = "https" if rules.schemes[<object>e.name] == <object>e.value else "http"
                        if told is not None and told != value:
                            return False
                        told = value
                    elif seen & (1u << (rule >> 2)):
                        return False
                    else:
                        seen |= 1u << (rule >> 2)
            if not (e.flags & F_HOST and authority):
                headers.append(<object>entry_pair(e))
        if not path:
            # CONNECT (RFC 9113 section 8.5).
            return False
        if rules is not None:
            if rules.count and n - pseudo - max(info.cookies - 1, 0) > rules.count:
                return False
            if most and crumbs is not None and cookie - 2 > most:
                return False
            if told is not None:
                PyDict_SetItem(scope, SCHEME, told)
            elif rules.trusted and scheme is not None:
                PyDict_SetItem(scope, SCHEME, scheme_text(scheme))
        if crumbs is not None:
            headers.insert(place, (b"cookie", b"; ".join(crumbs)))
        PyDict_SetItem(scope, HEADERS, headers)
        if protocol is not None:
            PyDict_SetItem(scope, TYPE, "websocket")
            scope["protocol"] = protocol
        return True

    def scope(self, bytes method not None, bytes target not None, list headers not None, str scheme=None, protocol=None):
        """Make the scope of a request that was declined.

        Args:
            method: The method.
            target: The path and the query.
            headers: ``(name, value)`` pairs, bytes.
            scheme: The scheme; ``None``: the connection's.
            protocol: The value of ``:protocol`` of an extended CONNECT, or ``None``.
        """
        cdef BlockInfo info
        info.priority = 0
        cdef dict scope = self.new_scope(&info)
        scope[METHOD] = method_text(method)
        self.set_target(scope, target)
        scope[HEADERS] = headers
        if scheme is not None:
            scope[SCHEME] = scheme
        if protocol is not None:
            scope[TYPE] = "websocket"
            scope["protocol"] = protocol
        return scope

    cdef dict new_scope(self, BlockInfo *info):
        cdef dict scope = PyDict_Copy(self.template)
        PyDict_SetItem(scope, ASGI, PyDict_Copy(self.asgi))
        if self.state is not None:
            PyDict_SetItem(scope, STATE, self.state.copy())
        PyDict_SetItem(scope, EXTENSIONS, self.new_extensions(info))
        return scope

    cdef dict new_extensions(self, BlockInfo *info):
        """Return the extensions: fresh dicts, and the client's priority (RFC 9218 section 4)."""
        cdef dict made = PyDict_Copy(self.extensions)
        if info.priority & PRIORITY_HAS_URGENCY:
            urgency = info.priority & PRIORITY_URGENCY
        else:
            urgency = URGENCY_DEFAULT
        PyDict_SetItem(made, PRIORITY,
                       {"urgency": urgency, "incremental": (info.priority & PRIORITY_INCREMENTAL) != 0})
        return made

    cdef int set_target(self, dict scope, bytes target) except -1:
        cdef Py_ssize_t n = PyBytes_GET_SIZE(target)
        cdef const char *p = PyBytes_AS_STRING(target)
        cdef const char *mark = <const char *>memchr(p, 0x3F, n)
        cdef bytes raw = target
        cdef str path
        if mark != NULL:
            PyDict_SetItem(scope, QUERY_STRING, PyBytes_FromStringAndSize(mark + 1, n - (mark - p) - 1))
            n = mark - p
            raw = PyBytes_FromStringAndSize(p, n)
        if memchr(p, 0x25, n) == NULL:
            path = PyUnicode_DecodeUTF8(p, n, "replace")
        else:
            path = decoded_path(p, n)
        if self.root_path:
            path = self.root_path + path
            raw = self.raw_root_path + raw
        PyDict_SetItem(scope, PATH, path)
        PyDict_SetItem(scope, RAW_PATH, raw)
        return 0
