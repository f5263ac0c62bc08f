# What the connections of one ASGI server share.
from fasth2.server.unsent cimport Unsent


cdef class Service:
    cdef readonly object app
    cdef readonly object loop
    cdef readonly object host            # see the class
    cdef readonly object server_state    # see the class
    cdef readonly object options         # `fasth2.server._options.Options` of the connections' protocols
    cdef readonly object settings        # `fasth2.asgi.settings.ASGISettings`
    cdef readonly set tasks              # the tasks that run the application
    cdef readonly set connections        # of the host
    cdef readonly Unsent unsent          # bounds for responses that wait for clients
    cdef readonly dict scope             # the initial content of every scope
    cdef readonly object state           # of the lifespan: a mapping, or None
    cdef readonly object limit_concurrency   # int or None
    cdef readonly bint raises            # send() raises OSError when the client is gone
    cdef readonly bint reset_contextvars
    cdef object create_task              # the loop's
    cdef object get_task_factory         # the loop's, or None
    cdef object eager                    # keywords of an eager task, or None
    cdef public object last              # the session that received octets last
    cdef public object observer          # see the class
    cdef readonly long long begun        # number of requests
    cdef public long long limit          # see the class

    cdef int count(self) except -1
    cdef bint may_be_eager(self) except -1
    cdef object start(self, object coroutine, bint eager)
