# One request of a worker: the application's call, and its response.
from libc.stdint cimport int64_t, uint32_t

from fasth2.wsgi.leader cimport Leadership
from fasth2.wsgi.response_head cimport ResponseHead
from fasth2.wsgi.unsent cimport Unsent
from fasth2.wsgi.uploads cimport Upload, Uploads
from fasth2.wsgi.waiting cimport Waiter


# What a thread that has lost the lead asks of the one that has it.
cdef enum:
    OP_SEND = 0              # value: bytes, flag: nothing follows
    OP_CONSUME = 1           # value: octets
    OP_INFORM = 2            # value: (status, flat fields)
    OP_RESET = 3             # value: error code


cdef class Call(Waiter)


cdef class Dispatcher:
    # What all calls of a worker share.
    cdef public object application
    cdef readonly Leadership leadership
    cdef public object observer      # sees requests begin and end, or None
    cdef public object report        # called with a call and the exception that ended it
    cdef public object on_limit      # called when `limit` calls have begun
    cdef public long long served
    cdef long long open_calls              # calls that have begun and are not over
    cdef public long long limit
    cdef public double timeout       # seconds that a peer may take, negative: any
    cdef public str server           # the Server field, "": none
    cdef public object file_wrapper
    cdef public int64_t unread_octets        # of a body that may follow once its request is answered
    cdef public double unread_seconds        # and for how long
    cdef object wake
    cdef unsigned long asked         # how often detached calls have asked for something
    cdef unsigned long taken         # how often a client was seen to have taken what one waits for
    cdef object requests             # deque of what detached calls ask for
    cdef Call ended_calls              # the last of the detached calls that are over, as a chain
    cdef Call ending                 # those of them that the leader ends now
    cdef bint polling                # the leader waits for events, or is about to
    cdef readonly Uploads uploads    # bodies that are not whole
    cdef readonly Unsent unsent      # answers that wait for their clients
    cdef public int threads          # that call the application
    cdef object deferred             # deque of slow calls that would take the last thread from fast ones
    cdef unsigned long fast_tick     # when a fast call ended last
    cdef dict slow                   # paths whose call last outlasted a tick
    cdef long second                 # that `date` is of
    cdef str date

    cdef int submit(self, Call call, int what, object value, bint flag) except -1
    cdef int submit_end(self, Call call) except -1
    cdef int do_request(self, Call call, int what, object value, bint flag) except -1
    cdef int report_error(self, Call call, object error) except -1
    cdef str now(self)
    cdef bint defer_if_slow(self, Call call) except -1
    cdef int update_calls_waiting(self) except -1
    cdef int queue_upload(self, Call call) except -1
    cdef int start_upload(self, Call call) except -1
    cdef bint may_run_upload(self) except -1
    cdef int abort_call(self, Call call, object error) except -1


cdef class Channel:
    # A call's connection. Used by the leader only.

    # Whether the call's stream is still there.
    cdef bint has_stream(self, Call call) except -1
    # Whether a call of this connection may be started.
    cdef bint may_start(self) except -1
    # It may not: have it in line again.
    cdef int put_back(self, Call call) except -1
    # It will not be run: its stream is gone.
    cdef int drop(self, Call call) except -1
    # The call has lost the lead, or is about to.
    cdef int adopt(self, Call call) except -1
    # Octets unsent, -1: the stream is gone.
    cdef int64_t send(self, Call call, bytes data, bint ends) except -2
    cdef int64_t unsent(self, Call call) except -2
    cdef int consume(self, Call call, int64_t octets) except -1
    # A call waits for more of its request.
    cdef int extend_window(self, Call call) except -1
    cdef bint inform(self, Call call, int status, list fields) except -1
    cdef int reset(self, Call call, uint32_t code) except -1
    cdef int done(self, Call call) except -1
    cdef int flush(self) except -1


cdef class Call(Waiter):
    cdef Dispatcher dispatcher
    cdef Channel channel
    # With another name in C: Windows has a macro of that one.
    cdef readonly dict environ "wsgi_environ"
    cdef readonly list fields_received       # (name, value), or None where nobody asked
    cdef bint is_head                # the method is HEAD
    cdef bint wants_continue
    cdef bint finished
    cdef int64_t unread              # octets of the request that came when it was answered
    cdef double reset_at             # when its request is cut off, 0: it is not answered yet
    cdef Upload upload               # its body, where that was not whole when its head came
    cdef Call next_ended              # in the chain of those that are over
    cdef bint complete               # the leader has sent its end, once it is detached
    cdef bint predicted              # taken for slow before it began
    cdef public object context       # the observer's
    # the response
    cdef ResponseHead response       # of `start_response`, or None
    cdef readonly int64_t sent       # octets of body
    cdef list trailers               # (name, value), or None
    cdef int64_t dropped             # octets of body that came after the end of a response without one
    cdef bytes held                  # the last part, until the next or the end is known
    cdef readonly bint headers_sent
    cdef int ended
    cdef bint broken                 # its stream is reset at the end
    cdef str path                    # PATH_INFO, whatever the application makes of its environment

    cdef bint run(self) except -1
    cdef int call_observer(self, object hook) except -1
    cdef int remember_speed(self) except -1
    cdef bytes counted(self, bytes data)
    cdef int serve(self) except -1
    cdef int serve_parts(self, object result) except -1
    cdef object next_part(self, object step)
    cdef bint omits_body(self) except -1
    cdef bytes part(self, object data)
    cdef bint begin_response(self, object status, object headers, bint replaces) except -1
    cdef ResponseHead begun_response(self)
    cdef list take_trailers(self)
    cdef bytes take_held(self)
    cdef int flush_held(self) except -1
    cdef int put(self, bytes data, bint ends) except -1
    cdef int make_room(self) except -1
    cdef bint has_begun(self) except -1
    cdef int await_client(self, bint room) except -1
    cdef int handle_error(self, object error) except -1
    cdef bint answer_error(self, int code, str reason, str message) except -1
    cdef int finish(self) except -1
    cdef int release(self) except -1
