"""The state of one connection, and the operations that receiving and sending share."""
import codecs
import time

cimport cython
from cpython.mem cimport PyMem_Free
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint16_t

from fasth2._frames cimport (
    out_free,
    out_reserve,
    put_goaway,
    put_rst_stream,
    put_window_update,
)
from fasth2._engine.error_codes cimport NO_ERROR
from fasth2._engine.headers cimport (
    OUT_NORMALIZE,
    OUT_SPLIT_COOKIES,
    OUT_VALIDATE,
    RULE_RFC,
    RULE_VALIDATE,
)
from fasth2._engine.limits cimport limits_init
from fasth2._priority cimport (
    PRIORITY_HAS_INCREMENTAL,
    PRIORITY_HAS_URGENCY,
    PRIORITY_INCREMENTAL,
    PRIORITY_URGENCY,
    early_free,
)
from fasth2._engine.role cimport (
    CLIENT,
    HIGHEST_STREAM_ID,
    SERVER,
    count_open,
    is_client,
    is_inbound,
    is_last_inbound,
    sends_preface,
)
from fasth2._engine.stream cimport (
    BY_RECV_END_STREAM,
    BY_SEND_END_STREAM,
    new_stream,
    queue_clear,
    stream_close,
    stream_end_received,
    stream_end_sent,
    stream_has_priority,
    stream_is_open,
    stream_is_promised,
    stream_may_receive,
    stream_open,
    stream_open_promised,
    stream_open_reserved,
    stream_promise,
)
from fasth2._ratelimit cimport TokenBucket
from fasth2._window cimport window_init

from fasth2._engine.settings import SettingCodes, Settings
from fasth2.config import DummyLogger, H2Configuration
from fasth2.exceptions import H2Error, NoSuchStreamError, StreamClosedError

MODES = {"utf-8": 1, "iso8859-1": 2, "ascii": 3}


cdef enum:
    # Streams that ended after a whole answer and pay for one reset.
    ANSWERS_A_RESET = 4


cdef inline void pay_for_resets(TokenBucket *resets) noexcept:
    """L2: count a stream that ended after a whole answer. A client that cancels a few of many requests is no flood."""
    resets.tokens += 1.0 / ANSWERS_A_RESET
    if resets.tokens > resets.burst:
        resets.tokens = resets.burst


cdef class RequestMaker:
    cdef object make(self, Entry **fields, Py_ssize_t n, BlockInfo *info):
        raise NotImplementedError


cdef class Core:
    def __cinit__(self):
        self.goaway_limit = HIGHEST_STREAM_ID
        self.busy = True

    @cython.critical_section
    def __init__(self, config=None):
        if self.initialised or self.initialising:
            raise RuntimeError("a connection is initialised once")
        self.initialising = True
        try:
            self.initialise(H2Configuration(client_side=True) if config is None else config)
            self.initialised = True
            self.busy = False
        finally:
            self.initialising = False

    cdef int initialise(self, object config) except -1:
        cdef object limits = config.limits
        self.table = StreamTable()
        self.table.closed_limit = 0x7FFFFFFF if limits.closed_streams is None else limits.closed_streams
        self.outgoing = OutgoingFields()
        self.encoder = Encoder()
        self.outgoing.encoder = self.encoder
        self.decoder = Decoder()
        self.ids.role = CLIENT if config.client_side else SERVER
        self.preface_left = 0 if sends_preface(&self.ids) else PREFACE_LENGTH
        self.clock = time.monotonic if config.clock is None else config.clock
        limits_init(&self.limits, limits)
        initial = {}
        if limits.concurrent_streams is not None:
            initial[SettingCodes.MAX_CONCURRENT_STREAMS] = limits.concurrent_streams
        if limits.header_list_size is not None:
            initial[SettingCodes.MAX_HEADER_LIST_SIZE] = limits.header_list_size
        self.local = Settings(client=is_client(&self.ids), initial_values=initial)
        self.remote = Settings(client=not is_client(&self.ids))
        self.out_window = self.remote.initial_window_size_
        window_init(&self.window, self.local.initial_window_size_)
        self.windows = config.adaptive_windows
        self.max_out_frame = self.remote.max_frame_size_
        self.max_in_frame = self.local.max_frame_size_
        self.configure(config)
        self.limit_header_list(limits.header_list_size)
        self.decoder.max_fields = 0xFFFFFFFF if limits.header_fields is None else limits.header_fields
        self.decoder.hard_max_fields = self.decoder.max_fields
        if self.rfc_errors and self.decoder.max_fields < 0x3FFFFFFF:
            self.decoder.hard_max_fields = self.decoder.max_fields * 4
        self.encoder.max_table_size = limits.encoder_table_size
        return 0

    def __dealloc__(self):
        out_free(&self.out)
        PyMem_Free(self.tail.data)
        PyMem_Free(self.block.data)
        early_free(&self.early)

    cdef int limit_header_list(self, object size) except -1:
        """Set the decoder's limit (L11) and, under rfc_errors, four times that as the hard limit (connection error)."""
        self.decoder.max_header_list_size = 0xFFFFFFFF if size is None else min(size, 0xFFFFFFFF)
        self.decoder.hard_list_size = self.decoder.max_header_list_size
        if self.rfc_errors:
            self.decoder.hard_list_size = min(4 * <object>self.decoder.max_header_list_size, 0xFFFFFFFF)
        # The limit on a string (L15) is never below the limit on the whole list.
        size = self._config.limits.string_size
        self.decoder.max_string = 0xFFFFFFFF if size is None else max(size, self.decoder.max_header_list_size)
        return 0

    cdef int prepare_local_settings(self) except -1:
        """Before the first SETTINGS frame: add missing limits to settings that the user has assigned, and apply values
        that allow the peer more at once."""
        cdef object limits = self._config.limits
        if not self.local_replaced:
            return 0
        if limits.concurrent_streams is not None and SettingCodes.MAX_CONCURRENT_STREAMS not in self.local.current_:
            self.local.assign(SettingCodes.MAX_CONCURRENT_STREAMS, limits.concurrent_streams)
        if limits.header_list_size is not None and SettingCodes.MAX_HEADER_LIST_SIZE not in self.local.current_:
            self.local.assign(SettingCodes.MAX_HEADER_LIST_SIZE, limits.header_list_size)
        self.max_in_frame = self.local.max_frame_size_
        self.limit_header_list(None if self.local.max_header_list_size_ < 0 else self.local.max_header_list_size_)
        if self.local.header_table_size_ > self.decoder.max_allowed_table_size:
            self.decoder.max_allowed_table_size = self.local.header_table_size_
        return 0

    cdef int adopt_local_settings(self) except -1:
        """Apply the header table size of settings that the user has assigned, at their acknowledgment."""
        if self.local_replaced:
            self.local_replaced = False
            self.decoder.max_allowed_table_size = self.local.header_table_size_
        return 0

    cdef int configure(self, object config) except -1:
        """Apply a configuration. An invalid one changes nothing."""
        cdef object encoding = config.header_encoding
        cdef object name = codecs.lookup(encoding).name if encoding else None
        if bool(config.client_side) != is_client(&self.ids):
            raise H2Error(f"client_side={config.client_side}: a connection keeps the side that it was made with")
        self.decoder.change_encoding(MODES.get(name, 0), config.header_fallback_encoding is not None)
        changes = getattr(config, "_changes", None)
        self.config_changes = changes if type(changes) is list and changes else None
        self.config_seen = None if self.config_changes is None else changes[0]
        self._config = config
        self.rfc_errors = 1 if config.rfc_errors else 0
        self.rules = RULE_VALIDATE if config.validate_inbound_headers else 0
        if self.rfc_errors:
            self.rules |= RULE_RFC
        self.join_cookies = 1 if config.normalize_inbound_headers else 0
        self.outgoing.options = <int>(
            (OUT_NORMALIZE if config.normalize_outbound_headers else 0)
            | (OUT_VALIDATE if config.validate_outbound_headers else 0)
            | (OUT_SPLIT_COOKIES if config.split_outbound_cookies else 0)
        )
        self.logger = None if type(config.logger) is DummyLogger else config.logger
        self.late_encoding = encoding if name is not None and name not in MODES else None
        return 0

    cdef int follow_configuration(self) except -1:
        """At the beginning of a call: apply what was assigned to the configuration's options since the last one."""
        cdef bint applied = False
        try:
            self.configure(self._config)
            applied = True
        finally:
            # Not `except`, which allocates memory.
            if not applied:
                leave(self)
        return 0

    cdef int wait_turn(self) except -1:
        """Wait until the connection is free. Raises RuntimeError if the calling thread is inside a call itself."""
        if not self.initialised:
            raise RuntimeError("the connection was not initialised: its __init__ was not called or did not succeed")
        if self.owner == PyThread_get_thread_ident():
            raise RuntimeError("the connection was called from inside a call on itself")
        while self.busy:
            time.sleep(0.0001)
        return 0

    cdef H2Stream open_stream(self, uint32_t stream_id):
        """Make a stream that the peer opens (RFC 9113 section 5.1.1)."""
        cdef H2Stream s = new_stream(stream_id, self.local.initial_window_size_, self.remote.initial_window_size_)
        stream_open(s)
        s.headers_received = True
        self.table.add(s)
        count_open(&self.ids, stream_id, 1)
        self.use_identifier(stream_id)
        return s

    cdef H2Stream reserve_promised(self, uint32_t stream_id):
        """Make a stream that the peer promises (section 8.4)."""
        cdef H2Stream s = new_stream(stream_id, self.local.initial_window_size_, self.remote.initial_window_size_)
        stream_promise(s)
        self.table.add(s)
        self.ids.promised += 1
        self.use_identifier(stream_id)
        return s

    cdef void open_promised(self, H2Stream s) noexcept:
        """Open a stream that the peer has promised, at the beginning of its response; from now on it counts."""
        stream_open_promised(s)
        self.ids.promised -= 1
        count_open(&self.ids, s.id, 1)

    cdef H2Stream make_request(self, uint32_t stream_id):
        """Make a stream for a request of ours; open_request() opens it."""
        cdef H2Stream s = new_stream(stream_id, self.local.initial_window_size_, self.remote.initial_window_size_)
        self.table.add(s)
        return s

    cdef void open_request(self, H2Stream s) noexcept:
        """Open a stream whose request is in the output."""
        stream_open(s)
        s.headers_sent = True
        count_open(&self.ids, s.id, 1)
        self.ids.highest_outbound = s.id
        self.limits.streams_opened += 1
        if self.phase == C_IDLE:
            self.phase = C_OPEN

    cdef void open_reserved(self, H2Stream s) noexcept:
        """Open a promised stream at the beginning of its response; from now on it counts (section 5.1.2)."""
        stream_open_reserved(s)
        count_open(&self.ids, s.id, 1)

    cdef int use_identifier(self, uint32_t stream_id) except -1:
        """Record that the peer has used this identifier for a new stream, served or refused. After the last identifier,
        GOAWAY tells it to open another connection; open streams continue.
        """
        self.ids.highest_inbound = stream_id
        self.limits.streams_opened += 1
        if is_last_inbound(&self.ids, stream_id):
            self.write_goaway(stream_id, NO_ERROR, b"")
        return 0

    cdef int close_stream(self, H2Stream s, int reason) except -1:
        """Close a stream: drop its state, and remember how it ended."""
        self.table.remember(s.id, reason)
        if (reason == BY_SEND_END_STREAM or reason == BY_RECV_END_STREAM) and is_inbound(&self.ids, s.id):
            pay_for_resets(&self.limits.resets)
        if stream_is_open(s):
            count_open(&self.ids, s.id, -1)
        elif stream_is_promised(s):
            self.ids.promised -= 1
        stream_close(s, reason)
        if self.growth is not None:
            self.growth.forget(&s.window)
        if s.in_turns:
            self.leave_ring(s)
        self.unsent -= s.queued
        queue_clear(s)
        self.table.remove(s)
        return 0

    cdef void expect_late_data(self, H2Stream s) noexcept:
        """Before a reset by us: count the octets that the peer may have sent in the window (RFC 9113 section 5.1)."""
        if (stream_may_receive(s) or stream_is_promised(s)) and s.window.current > 0:
            self.limits.late_octets += s.window.current

    cdef void drop_queues(self) noexcept:
        """Drop the queued bodies of all streams, at the end of the connection."""
        cdef uint32_t at = 0
        cdef void *found
        cdef H2Stream s
        self.ring = None
        self.prioritized = 0
        while (found := self.table.following(&at)) != NULL:
            s = <H2Stream>found
            s.in_turns = False
            s.next = None
            queue_clear(s)
        self.unsent = 0

    cdef int end_local(self, H2Stream s) except -1:
        """Apply END_STREAM sent by us; closes the stream if it was the second one."""
        return self.close_stream(s, BY_SEND_END_STREAM) if stream_end_sent(s) else 0

    cdef int end_remote(self, H2Stream s) except -1:
        """Apply END_STREAM sent by the peer; closes the stream if it was the second one."""
        return self.close_stream(s, BY_RECV_END_STREAM) if stream_end_received(s) else 0

    cdef H2Stream stream_or_raise(self, uint32_t stream_id):
        """Return the stream. Raises h2's exceptions for an idle or a closed one."""
        cdef void *found = self.table.find(stream_id)
        if found != NULL:
            return <H2Stream>found
        if is_idle(self, stream_id):
            raise NoSuchStreamError(stream_id)
        raise StreamClosedError(stream_id)

    cdef int write_rst_stream(self, uint32_t stream_id, uint32_t code) except -1:
        out_reserve(&self.out, 13)
        put_rst_stream(&self.out, stream_id, code)
        return 0

    cdef int write_window_update(self, uint32_t stream_id, int64_t increment) except -1:
        out_reserve(&self.out, 13)
        put_window_update(&self.out, stream_id, <uint32_t>increment)
        return 0

    cdef int write_goaway(self, uint32_t last_stream_id, uint32_t code, bytes debug) except -1:
        # RFC 9113 section 6.8: the last stream id must not increase.
        if last_stream_id > self.goaway_limit:
            last_stream_id = self.goaway_limit
        out_reserve(&self.out, 17 + PyBytes_GET_SIZE(debug))
        put_goaway(&self.out, last_stream_id, code, <const uint8_t *>PyBytes_AS_STRING(debug),
                   PyBytes_GET_SIZE(debug))
        self.goaway_limit = last_stream_id
        if code:
            self.goaway_error = True
        return 0

    cdef int count(self, str token) except -1:
        """Increment a counter of `counters`."""
        if self.counts is None:
            self.counts = {}
        self.counts[token] = self.counts.get(token, 0) + 1
        return 0

    cdef int enter_ring(self, H2Stream s) except -1:
        """Append a stream to the ring of streams ready to send."""
        if s.in_turns:
            return 0
        if self.ring is None:
            s.next = s
        else:
            s.next = self.ring.next
            self.ring.next = s
        self.ring = s
        s.in_turns = True
        self.prioritized += stream_has_priority(s)
        return 0

    cdef int leave_ring(self, H2Stream s) except -1:
        cdef H2Stream before
        if not s.in_turns:
            return 0
        s.in_turns = False
        self.prioritized -= stream_has_priority(s)
        if s.next is s:
            self.ring = None
        else:
            before = s.next
            while before.next is not s:
                before = before.next
            before.next = s.next
            if self.ring is s:
                self.ring = before
        s.next = None
        return 0

    cdef void set_priority(self, H2Stream s, uint16_t priority) noexcept:
        """Set a stream's priority from the peer; omitted parameters get their defaults (RFC 9218 section 4)."""
        if s.in_turns:
            self.prioritized -= stream_has_priority(s)
        s.urgency = priority & PRIORITY_URGENCY
        s.incremental = (priority & PRIORITY_INCREMENTAL) != 0
        if s.in_turns:
            self.prioritized += stream_has_priority(s)

    cdef void merge_priority(self, H2Stream s, uint16_t priority) noexcept:
        """Merge the priority of the response into the stream's; omitted parameters stay (RFC 9218 section 8)."""
        if not priority & PRIORITY_HAS_URGENCY:
            priority = (priority & ~<uint16_t>PRIORITY_URGENCY) | s.urgency
        if not priority & PRIORITY_HAS_INCREMENTAL and s.incremental:
            priority |= PRIORITY_INCREMENTAL
        self.set_priority(s, priority)
