# One request of a worker: the application's call and its response.
from libc.stdint cimport int64_t, uint32_t

from fasth2.wsgi.leader cimport Leadership
from fasth2.wsgi.response_head cimport ResponseHead
from fasth2.wsgi.unsent cimport Unsent
from fasth2.wsgi.uploads cimport Upload, Uploads
from fasth2.wsgi.waiting cimport Waiter


# Operations that a thread without the lead submits to the leader.
cdef enum:
    OP_SEND = 0              # value: bytes, flag: end of the body
    OP_CONSUME = 1           # value: octets, flag: the call waits for more
    OP_INFORM = 2            # value: (status, flat fields)
    OP_RESET = 3             # value: error code


cdef class Call(Waiter)


cdef class Dispatcher:
    # The state that all calls of a worker share.
    cdef public object application
    cdef readonly Leadership leadership
    cdef public object observer      # notified when requests begin and end, or None
    cdef public object report        # called with a call and the exception that ended it
    cdef public object on_limit      # called when `limit` calls have begun
    cdef public long long served
    cdef long long open_calls              # calls that have begun and are not over
    cdef public long long limit
    cdef public double timeout       # seconds that a peer may take, negative: no limit
    cdef public str server           # the Server field, "": no field
    cdef public object file_wrapper
    cdef object wake
    cdef unsigned long asked         # number of operations submitted by detached calls
    cdef unsigned long taken         # number of times that a client received data of a detached call
    cdef object requests             # deque of submitted operations
    cdef Call ended_calls            # linked list of detached calls that have ended, latest first
    cdef Call ending                 # the part of that list that the leader is processing
    cdef bint polling                # the leader waits for events, or is about to
    cdef readonly Uploads uploads    # incomplete request bodies
    cdef readonly Unsent unsent      # bounds for unsent responses
    cdef public int threads          # that call the application
    cdef object deferred             # deque of slow calls that would take the last thread from fast ones
    cdef unsigned long fast_tick     # tick at which a fast call ended last
    cdef dict slow                   # paths whose last call outlasted a tick
    cdef long second                 # time of `date`, seconds since the epoch
    cdef str date                    # the Date field

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

    # True if the call's stream still exists.
    cdef bint has_stream(self, Call call) except -1
    # True if a call of this connection may be started.
    cdef bint may_start(self) except -1
    # Queue a call again that may not be started.
    cdef int put_back(self, Call call) except -1
    # Discard a call whose stream is gone before it ran.
    cdef int drop(self, Call call) except -1
    # Register a call that has lost the lead, or is about to.
    cdef int adopt(self, Call call) except -1
    # Return the stream's unsent octets; -1: the stream is gone.
    cdef int64_t send(self, Call call, bytes data, bint ends) except -2
    cdef int64_t unsent(self, Call call) except -2
    cdef int consume(self, Call call, int64_t octets) except -1
    # Extend the connection's window for a call that waits for more of its request.
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
    cdef readonly list fields_received       # (name, value) pairs, or None if not requested
    cdef bint is_head                # the method is HEAD
    cdef bint wants_continue         # Expect: 100-continue
    cdef bint finished
    cdef Upload upload               # its body, if that was incomplete when its head arrived
    cdef Call next_ended             # in `Dispatcher.ended_calls`
    cdef bint complete               # detached: the leader has sent the end of its response
    cdef bint predicted              # its path was remembered as slow before it began
    cdef public object context       # for the observer
    # the response
    cdef ResponseHead response       # of `start_response`, or None
    cdef readonly int64_t sent       # octets of body
    cdef list trailers               # (name, value), or None
    cdef int64_t dropped             # octets written to a response without a body
    cdef bytes held                  # the last part, until the next part or the end is known
    cdef readonly bint headers_sent
    cdef int ended
    cdef bint broken                 # its stream is reset at the end
    cdef str path                    # PATH_INFO, unaffected by changes of the environment

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
