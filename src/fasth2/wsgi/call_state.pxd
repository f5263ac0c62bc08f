# The part of a call that its connection reads and writes: the request's body, and what is to be sent.
from fasth2.wsgi.response_head cimport ResponseHead
from fasth2.wsgi.uploads cimport Upload
from fasth2.wsgi.waiting cimport Waiter


cdef class CallState(Waiter):
    # With another name in C: Windows has a macro of that one.
    cdef readonly dict environ "wsgi_environ"
    cdef str path                    # PATH_INFO, unaffected by changes of the environment
    cdef Upload upload               # its body, if that was incomplete when its head arrived
    cdef ResponseHead response       # of `start_response`, or None
    cdef list trailers               # (name, value), or None
    cdef int ended                   # the end of the response was sent or submitted
    cdef bint complete               # detached: the leader has sent the end of its response
    cdef bint finished               # the connection has released it
    cdef CallState next_ended        # in `Dispatcher.ended_calls`

    cdef ResponseHead begun_response(self)
    cdef list take_trailers(self)
