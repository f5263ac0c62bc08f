"""Attributes of compiled classes as member descriptors.

Cython gives an attribute a getter, a call for each access. A member descriptor only says at which offset of the
object the attribute is, and CPython's specialising interpreter then reads it without a call: a tenth of the time.
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

    Called while the module of the class is imported, before anybody else has the class. The attributes hold
    objects and are never empty: a fresh object of a Cython class has None in them, and nothing clears them.

    Args:
        cls: The class.
        blank: An object of it, which nobody else has.
        names: The attributes, without those of base classes.

    Returns:
        For each new descriptor one that also sets the attribute, at once for readers in other threads, and that is
        in no class.
    """
    cdef PyObject **words = <PyObject **><void *>blank
    cdef PyObject *before
    cdef object mark = object()
    cdef dict place = <dict>fasth2_dict_of(cls)
    cdef dict setters = {}
    cdef dict found = {}
    cdef Py_ssize_t k
    # Where an attribute is: the word that, changed, changes what its getter returns.
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
    """What a member descriptor refers to, for ever, as its class is."""
    cdef PyMemberDef *definition = <PyMemberDef *>PyMem_Malloc(sizeof(PyMemberDef))
    if definition == NULL:
        raise MemoryError
    definition.name = PyUnicode_AsUTF8(name)
    definition.type = Py_T_OBJECT_EX
    definition.offset = offset
    definition.flags = flags
    definition.doc = NULL
    return definition
