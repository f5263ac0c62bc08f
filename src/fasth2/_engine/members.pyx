"""Attributes of compiled classes as member descriptors.

Cython makes a getter for an attribute, which is called at each access. A member descriptor only holds the
attribute's offset in the object, which CPython's specialising interpreter reads without a call, in a tenth of the time.
"""
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.type cimport PyType_Modified


cdef extern from *:
    """
    #include <Python.h>
    #include <structmember.h>
    #ifndef Py_T_OBJECT_EX
    #define Py_T_OBJECT_EX T_OBJECT_EX
    #define Py_READONLY READONLY
    #endif
    /* Borrowed. */
    #define fasth2_dict_of(cls) (((PyTypeObject *)(cls))->tp_dict)
    #define fasth2_size_of(cls) (((PyTypeObject *)(cls))->tp_basicsize)
    """
    ctypedef struct PyMemberDef:
        const char *name
        int type
        Py_ssize_t offset
        int flags
        const char *doc
    int Py_T_OBJECT_EX
    int Py_READONLY
    object PyDescr_NewMember(type cls, PyMemberDef *definition)
    const char *PyUnicode_AsUTF8(object text) except NULL
    PyObject *fasth2_dict_of(object cls)
    Py_ssize_t fasth2_size_of(object cls)


cdef dict as_members(type cls, object blank, tuple names):
    """Replace the getters of a class by read-only member descriptors.

    Called while the module of the class is imported, before the class is used. The attributes hold objects and are
    never NULL: a new object of a Cython class has None in them, and nothing clears them.

    Args:
        cls: The class.
        blank: An object of the class that is not used elsewhere.
        names: The attributes, without those of base classes.

    Returns:
        For each new descriptor another one, in no class, that also sets the attribute (atomically for other threads).
    """
    cdef PyObject **words = <PyObject **><void *>blank
    cdef PyObject *before
    cdef object mark = object()
    cdef dict place = <dict>fasth2_dict_of(cls)
    cdef dict setters = {}
    cdef dict found = {}
    cdef Py_ssize_t k
    # The offset of an attribute: the word whose change changes the result of its getter.
    for k in range(<Py_ssize_t>(sizeof(PyObject) // sizeof(PyObject *)),
                   fasth2_size_of(cls) // <Py_ssize_t>sizeof(PyObject *)):
        before = words[k]
        words[k] = <PyObject *>mark
        try:
            for name in names:
                if name not in found and place[name].__get__(blank) is mark:
                    found[name] = k * <Py_ssize_t>sizeof(PyObject *)
                    break
        finally:
            words[k] = before
    for name in names:
        member = PyDescr_NewMember(cls, definition_of(name, found[name], Py_READONLY))
        setters[member] = PyDescr_NewMember(cls, definition_of(name, found[name], 0))
        place[name] = member
    PyType_Modified(cls)
    return setters


cdef PyMemberDef *definition_of(str name, Py_ssize_t offset, int flags) except NULL:
    """Make the definition of a member descriptor; it is never freed, like its class."""
    cdef PyMemberDef *definition = <PyMemberDef *>PyMem_Malloc(sizeof(PyMemberDef))
    if definition == NULL:
        raise MemoryError
    definition.name = PyUnicode_AsUTF8(name)
    definition.type = Py_T_OBJECT_EX
    definition.offset = offset
    definition.flags = flags
    definition.doc = NULL
    return definition
