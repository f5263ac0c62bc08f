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
from fasth2._priority cimport (
    PRIORITY_HAS_URGENCY,
    PRIORITY_INCREMENTAL,
    PRIORITY_URGENCY,
    URGENCY_DEFAULT,
)
from fasth2.hpack.decoder cimport Entry, entry_pair
from fasth2.hpack.fields cimport (
    F_COOKIE,
    F_HOST,
    F_KIND_SHIFT,
    F_PSEUDO,
    KIND_AUTHORITY,
    KIND_METHOD,
    KIND_PATH,
    KIND_PROTOCOL,
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


@cython.final
cdef class ScopeMaker(RequestMaker):
    """Makes the scopes of one connection's requests.

    ``make`` returns a dict; or, for CONNECT without ``:protocol``, which has no path, the list of the request's
    ``(name, value)`` pairs. The scope of an extended CONNECT has ``type`` "websocket" and the value of ``:protocol``
    under "protocol", which whoever serves it removes.

    Args:
        template: The initial content of every scope.
        server: The server's address.
        client: The client's address, or ``None``.
        scheme: "http" or "https".
        extensions: The extensions of every scope.
    """

    def __init__(self, dict template not None, server, client, str scheme not None, dict extensions not None):
        self.template = dict(template)
        self.template.update(server=server, client=client, scheme=scheme)
        self.asgi = template["asgi"]
        self.state = template.get("state")
        self.extensions = {**extensions, PRIORITY: None}
        self.root_path = template["root_path"]
        self.raw_root_path = self.root_path.encode()

    cdef object make(self, Entry **fields, Py_ssize_t n, BlockInfo *info):
        cdef dict scope
        cdef list headers, crumbs = None
        cdef Py_ssize_t i
        cdef Entry *e
        cdef uint32_t kind
        cdef object protocol = None
        cdef Py_ssize_t place = 0
        cdef bint path = False
        cdef bint authority = False
        scope = self.new_scope(info)
        headers = []
        for i in range(n):
            e = fields[i]
            if e.flags & F_PSEUDO:
                kind = e.flags >> F_KIND_SHIFT
                if kind == KIND_METHOD:
                    PyDict_SetItem(scope, METHOD, method_text(<object>e.value))
                elif kind == KIND_PATH:
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
            elif e.flags & F_COOKIE and info.cookies > 1:
                # RFC 9113 section 8.2.3.
                if crumbs is None:
                    crumbs = []
                    place = len(headers)
                crumbs.append(<object>e.value)
            elif not (e.flags & F_HOST and authority):
                headers.append(<object>entry_pair(e))
        if not path:
            return plain_pairs(fields, n, info.cookies)
        if crumbs is not None:
            headers.insert(place, (b"cookie", b"; ".join(crumbs)))
        PyDict_SetItem(scope, HEADERS, headers)
        if protocol is not None:
            PyDict_SetItem(scope, TYPE, "websocket")
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
