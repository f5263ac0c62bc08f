"""HTTP/2 settings (RFC 9113 section 6.5): current values and those not acknowledged yet."""
import copyreg
import enum
from collections.abc import MutableMapping

cimport cython
from libc.stdint cimport INT64_MAX, INT64_MIN

from fasth2._engine.error_codes cimport FLOW_CONTROL_ERROR, NO_ERROR, PROTOCOL_ERROR

from fasth2.errors import ErrorCodes
from fasth2.exceptions import InvalidSettingsValueError


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1


class SettingCodes(enum.IntEnum):
    """The identifiers of known settings (RFC 9113 section 6.5.2, RFC 8441 section 3)."""

    __module__ = "fasth2.settings"

    #: Size in octets of the dynamic table with which the sender decodes field blocks.
    HEADER_TABLE_SIZE = SETTING_HEADER_TABLE_SIZE
    #: 1 if the sender accepts pushed streams, 0 if not.
    ENABLE_PUSH = SETTING_ENABLE_PUSH
    #: Number of concurrent streams that the sender allows.
    MAX_CONCURRENT_STREAMS = SETTING_MAX_CONCURRENT_STREAMS
    #: The sender's flow-control window for new streams, in octets.
    INITIAL_WINDOW_SIZE = SETTING_INITIAL_WINDOW_SIZE
    #: The largest frame payload that the sender accepts, in octets.
    MAX_FRAME_SIZE = SETTING_MAX_FRAME_SIZE
    #: The largest decoded header list that the sender accepts, in octets of
    #: names and values, plus 32 for each field.
    MAX_HEADER_LIST_SIZE = SETTING_MAX_HEADER_LIST_SIZE
    #: 1 if the sender accepts extended CONNECT, 0 if not.
    ENABLE_CONNECT_PROTOCOL = SETTING_ENABLE_CONNECT_PROTOCOL


cdef dict CODES = {int(code): code for code in SettingCodes}
cdef object CODE_HEADER_TABLE_SIZE = SettingCodes.HEADER_TABLE_SIZE
cdef object CODE_ENABLE_PUSH = SettingCodes.ENABLE_PUSH
cdef object CODE_MAX_CONCURRENT_STREAMS = SettingCodes.MAX_CONCURRENT_STREAMS
cdef object CODE_INITIAL_WINDOW_SIZE = SettingCodes.INITIAL_WINDOW_SIZE
cdef object CODE_MAX_FRAME_SIZE = SettingCodes.MAX_FRAME_SIZE
cdef object CODE_MAX_HEADER_LIST_SIZE = SettingCodes.MAX_HEADER_LIST_SIZE
cdef object CODE_ENABLE_CONNECT_PROTOCOL = SettingCodes.ENABLE_CONNECT_PROTOCOL

cdef object NO_LIMIT = 2**32 + 1


cdef object setting_code(uint32_t code):
    cdef object number = code
    return CODES.get(number, number)


def _setting_code_from_int(code):
    """Return the `SettingCodes` member for ``code``, or ``code`` itself when it has no name."""
    return CODES.get(code, code)


cdef uint32_t check_received(uint32_t code, uint32_t value, bint from_client) noexcept:
    if code == SETTING_ENABLE_PUSH:
        # A server may send 0 only; a client 0 or 1.
        return NO_ERROR if value == 0 or (value == 1 and from_client) else PROTOCOL_ERROR
    if code == SETTING_INITIAL_WINDOW_SIZE:
        return NO_ERROR if value <= 0x7fffffff else FLOW_CONTROL_ERROR
    if code == SETTING_MAX_FRAME_SIZE:
        return NO_ERROR if 16384 <= value <= 16777215 else PROTOCOL_ERROR
    if code == SETTING_ENABLE_CONNECT_PROTOCOL:
        return NO_ERROR if value <= 1 else PROTOCOL_ERROR
    return NO_ERROR


cdef int64_t number_of(object key, object value) except? -1:
    # Convert a value to a C integer, clamped to its range, which changes no
    # result of the checks below.
    cdef int overflow = 0
    cdef int64_t number
    if not isinstance(value, int):
        raise TypeError(f"Setting {key} must be an int, not {type(value).__name__}")
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        return INT64_MAX if overflow > 0 else INT64_MIN
    return number


cdef uint32_t check_setting(object code, int64_t number) noexcept:
    # Return the error code for an invalid value, else NO_ERROR.
    if code is CODE_ENABLE_PUSH or code is CODE_ENABLE_CONNECT_PROTOCOL:
        if number != 0 and number != 1:
            return PROTOCOL_ERROR
    elif code is CODE_INITIAL_WINDOW_SIZE:
        if not 0 <= number <= 0x7fffffff:
            return FLOW_CONTROL_ERROR
    elif code is CODE_MAX_FRAME_SIZE:
        if not 16384 <= number <= 16777215:
            return PROTOCOL_ERROR
    elif code is CODE_MAX_HEADER_LIST_SIZE:
        if number < 0:
            return PROTOCOL_ERROR
    return NO_ERROR


cdef object invalid(object key, object value, uint32_t code):
    return InvalidSettingsValueError(f"Setting {key} has invalid value {value}", error_code=ErrorCodes(code))


cdef int64_t clamp(int64_t number, int64_t largest) noexcept:
    return 0 if number < 0 else largest if number > largest else number


cdef class ChangedSetting:
    """The change of one setting, in events.

    Args:
        setting: The `SettingCodes` member, or an int for an unknown setting.
        original_value: The previous value, or ``None`` if there was none.
        new_value: The new value.
    """

    @cython.critical_section
    def __init__(self, setting, original_value, new_value):
        self.setting = setting
        self.original_value = original_value
        self.new_value = new_value

    def __repr__(self):
        return (
            f"ChangedSetting(setting={self.setting!s}, original_value={self.original_value}, "
            f"new_value={self.new_value})"
        )

    def __reduce__(self):
        return type(self), (self.setting, self.original_value, self.new_value), getattr(self, "__dict__", None) or None


cdef class SettingsBase:
    """The mapping behind `Settings`, without the methods that `MutableMapping` adds.

    Args:
        client: True if these are a client's settings.
        initial_values: A mapping of settings that are current from the start.

    Raises:
        InvalidSettingsValueError: A value its setting can't have.
        TypeError: A value that is no int.
    """

    def __cinit__(self):
        self.current_ = {}
        self.pending_ = {}
        self.sent_ = None
        self.reset_mirrors(False)

    cdef int reset_mirrors(self, bint client) except -1:
        self.client_ = client
        self.enable_push_ = client
        self.header_table_size_ = 4096
        self.initial_window_size_ = 65535
        self.max_frame_size_ = 16384
        self.enable_connect_protocol_ = False
        self.max_concurrent_streams_ = 0x100000001
        self.max_header_list_size_ = -1
        return 0

    @cython.critical_section
    def __init__(self, client=True, initial_values=None):
        cdef object key, value, known
        cdef int64_t number
        cdef uint32_t code
        self.reset_mirrors(bool(client))
        self.pending_.clear()
        self.sent_ = None
        self.current_.clear()
        self.current_[CODE_HEADER_TABLE_SIZE] = 4096
        self.current_[CODE_ENABLE_PUSH] = 1 if self.client_ else 0
        self.current_[CODE_INITIAL_WINDOW_SIZE] = 65535
        self.current_[CODE_MAX_FRAME_SIZE] = 16384
        self.current_[CODE_ENABLE_CONNECT_PROTOCOL] = 0
        if initial_values is None:
            return
        for key, value in initial_values.items():
            known = CODES.get(key)
            number = number_of(key, value)
            code = check_setting(known, number)
            if code != NO_ERROR:
                raise invalid(key, value, code)
            self.mirror(known, number)
            self.current_[key] = value

    cdef int assign(self, object key, object value) except -1:
        self.mirror(CODES.get(key), number_of(key, value))
        self.current_[key] = value
        return 0

    cdef void mirror(self, object code, int64_t number) noexcept:
        if code is None:
            return
        if code is CODE_INITIAL_WINDOW_SIZE:
            self.initial_window_size_ = <uint32_t>clamp(number, 0x7fffffff)
        elif code is CODE_MAX_CONCURRENT_STREAMS:
            self.max_concurrent_streams_ = <uint64_t>clamp(number, 0x100000001)
        elif code is CODE_MAX_HEADER_LIST_SIZE:
            self.max_header_list_size_ = clamp(number, INT64_MAX)
        elif code is CODE_MAX_FRAME_SIZE:
            self.max_frame_size_ = <uint32_t>clamp(number, 16777215)
        elif code is CODE_HEADER_TABLE_SIZE:
            self.header_table_size_ = <uint32_t>clamp(number, 0xffffffff)
        elif code is CODE_ENABLE_PUSH:
            self.enable_push_ = number == 1
        else:
            self.enable_connect_protocol_ = number == 1

    cdef void mirror_unset(self, object code) noexcept:
        if code is CODE_INITIAL_WINDOW_SIZE:
            self.initial_window_size_ = 65535
        elif code is CODE_MAX_CONCURRENT_STREAMS:
            self.max_concurrent_streams_ = 0x100000001
        elif code is CODE_MAX_HEADER_LIST_SIZE:
            self.max_header_list_size_ = -1
        elif code is CODE_MAX_FRAME_SIZE:
            self.max_frame_size_ = 16384
        elif code is CODE_HEADER_TABLE_SIZE:
            self.header_table_size_ = 4096
        elif code is CODE_ENABLE_PUSH:
            self.enable_push_ = self.client_
        elif code is CODE_ENABLE_CONNECT_PROTOCOL:
            self.enable_connect_protocol_ = False

    @cython.critical_section
    cdef int set_(self, object key, object value) except -1:
        cdef uint32_t code = check_setting(CODES.get(key), number_of(key, value))
        cdef object queue
        cdef bint new, queued = False
        if code != NO_ERROR:
            raise invalid(key, value, code)
        self.name_sent()
        new = key not in self.current_
        if new:
            self.current_[key] = None
        try:
            queue = self.pending_.get(key)
            if queue is None:
                self.pending_[key] = [value]
            else:
                (<list>queue).append(value)
            queued = True
        finally:
            # Not `except`, which allocates memory.
            if new and not queued:
                self.current_.pop(key, None)
        return 0

    @cython.critical_section
    cdef int set_all(self, dict settings) except -1:
        cdef Py_ssize_t done = 0
        try:
            for key, value in settings.items():
                self.set_(key, value)
                done += 1
        finally:
            if done < len(settings):
                for key in settings:
                    if done == 0:
                        break
                    done -= 1
                    self.take_back(key)
        return 0

    cdef int take_back(self, object key) except -1:
        """Undo the last set_() of a setting."""
        cdef list queue = self.pending_.get(key)
        if queue:
            queue.pop()
            if not queue:
                self.pending_.pop(key, None)
                if self.current_.get(key) is None:
                    self.current_.pop(key, None)
        return 0

    @cython.critical_section
    cdef int mark_sent(self) except -1:
        """Record a sent SETTINGS frame with the queued values that no earlier frame contains; its acknowledgment applies
        to these (RFC 9113 section 6.5.3)."""
        cdef dict frame, before
        cdef object key, queue
        cdef Py_ssize_t count
        if self.sent_ is None:
            for queue in self.pending_.values():
                if len(<list>queue) != 1:
                    break
            else:
                # The common case: no other unacknowledged frame, and one queued value of each setting.
                self.sent_ = [None]
                return 0
        self.name_sent()
        frame = {}
        for key in list(self.pending_):
            count = len(<list>self.pending_.get(key, []))
            for before in self.sent_ or ():
                count -= <Py_ssize_t>before.get(key, 0)
            if count > 0:
                frame[key] = count
        if self.sent_ is None:
            self.sent_ = [frame]
        else:
            self.sent_.append(frame)
        return 0

    @cython.critical_section
    cdef dict acknowledge_sent(self):
        """Apply the values of the oldest unacknowledged frame."""
        cdef dict changed
        if self.sent_ is None:
            return {}
        changed = self.move_on(self.sent_[0])
        self.sent_.pop(0)
        if not self.sent_:
            self.sent_ = None
        return changed

    @cython.critical_section
    cdef dict acknowledge_all(self):
        cdef dict changed, frame
        cdef object key
        if not self.pending_:
            return {}
        self.name_sent()
        changed = self.move_on(None)
        if self.sent_ is not None:
            for key in changed:
                for frame in self.sent_:
                    if frame.get(key, 0) > 0:
                        frame[key] -= 1
                        break
        return changed

    cdef int name_sent(self) except -1:
        """Before the queues change: expand a first entry of None in `sent_`."""
        cdef object key
        cdef dict frame
        if self.sent_ is not None and self.sent_[0] is None:
            frame = {}
            for key in list(self.pending_):
                frame[key] = 1
            self.sent_[0] = frame
        return 0

    cdef dict move_on(self, dict counts):
        """Apply so many queued values of each setting, of which the last stays current; ``None``: one of each."""
        cdef dict changed = {}
        cdef dict pending = self.pending_
        cdef object key
        cdef list queue
        cdef Py_ssize_t count = 1
        cdef ChangedSetting change
        if not pending:
            return changed
        # In the order of the settings, as h2 reports them. A key of the
        # application's own type may run its code in a lookup and change the
        # dict, hence the copy and the checks.
        for key in list(self.current_):
            queue = pending.get(key)
            if queue is None or not queue:
                continue
            if counts is not None:
                count = counts.get(key, 0)
                if count < 1:
                    continue
            change = ChangedSetting.__new__(ChangedSetting)
            change.setting = key
            change.original_value = self.current_.get(key)
            change.new_value = queue[min(count, <Py_ssize_t>len(queue)) - 1]
            changed[key] = change
        # No allocation below: all settings are changed, or none.
        for key, change in changed.items():
            queue = pending.get(key)
            if queue:
                if counts is not None:
                    count = counts.get(key, 0)
                if count >= <Py_ssize_t>len(queue):
                    pending.pop(key, None)
                else:
                    for _ in range(count):
                        queue.pop(0)
            self.assign(key, change.new_value)
        return changed

    def acknowledge(self):
        """Process one acknowledgment: each setting with queued values changes to the next one.

        Returns:
            A dict of setting to `ChangedSetting`, for those that changed.
        """
        return self.acknowledge_all()

    def validate_received_setting(self, setting, value):
        """Check a value received from the peer to which these settings belong.

        A server's ENABLE_PUSH must be 0 (RFC 9113 section 6.5.2).

        Args:
            setting: The setting's identifier.
            value: The value received.

        Raises:
            InvalidSettingsValueError: The RFC does not allow it.
        """
        cdef object known = CODES.get(setting)
        cdef int64_t number = number_of(setting, value)
        cdef uint32_t code = check_setting(known, number)
        if known is CODE_ENABLE_PUSH and not self.client_ and number != 0:
            code = PROTOCOL_ERROR
        if code != NO_ERROR:
            raise invalid(setting, value, code)

    @cython.critical_section
    def _mirrors(self):
        """Return the C values by setting, for tests that compare them with the mapping."""
        return {
            CODE_HEADER_TABLE_SIZE: self.header_table_size_,
            CODE_ENABLE_PUSH: self.enable_push_,
            CODE_MAX_CONCURRENT_STREAMS: self.max_concurrent_streams_,
            CODE_INITIAL_WINDOW_SIZE: self.initial_window_size_,
            CODE_MAX_FRAME_SIZE: self.max_frame_size_,
            CODE_MAX_HEADER_LIST_SIZE: self.max_header_list_size_,
            CODE_ENABLE_CONNECT_PROTOCOL: self.enable_connect_protocol_,
        }

    @property
    def header_table_size(self):
        """Size of the decoder's dynamic table, in octets."""
        return self[CODE_HEADER_TABLE_SIZE]

    @header_table_size.setter
    def header_table_size(self, value):
        self.set_(CODE_HEADER_TABLE_SIZE, value)

    @property
    def enable_push(self):
        """1 if pushed streams are accepted, 0 if not."""
        return self[CODE_ENABLE_PUSH]

    @enable_push.setter
    def enable_push(self, value):
        self.set_(CODE_ENABLE_PUSH, value)

    @property
    def initial_window_size(self):
        """The flow-control window of new streams, in octets."""
        return self[CODE_INITIAL_WINDOW_SIZE]

    @initial_window_size.setter
    def initial_window_size(self, value):
        self.set_(CODE_INITIAL_WINDOW_SIZE, value)

    @property
    def max_frame_size(self):
        """The largest frame payload, in octets."""
        return self[CODE_MAX_FRAME_SIZE]

    @max_frame_size.setter
    def max_frame_size(self, value):
        self.set_(CODE_MAX_FRAME_SIZE, value)

    @property
    def max_concurrent_streams(self):
        """Number of concurrent streams; 2**32 + 1 if it was never set."""
        value = self.current_.get(CODE_MAX_CONCURRENT_STREAMS)
        return NO_LIMIT if value is None else value

    @max_concurrent_streams.setter
    def max_concurrent_streams(self, value):
        self.set_(CODE_MAX_CONCURRENT_STREAMS, value)

    @property
    def max_header_list_size(self):
        """The largest decoded header list, in octets; ``None`` if it was never set."""
        return self.current_.get(CODE_MAX_HEADER_LIST_SIZE)

    @max_header_list_size.setter
    def max_header_list_size(self, value):
        self.set_(CODE_MAX_HEADER_LIST_SIZE, value)

    @property
    def enable_connect_protocol(self):
        """1 if extended CONNECT is accepted, 0 if not."""
        return self[CODE_ENABLE_CONNECT_PROTOCOL]

    @enable_connect_protocol.setter
    def enable_connect_protocol(self, value):
        self.set_(CODE_ENABLE_CONNECT_PROTOCOL, value)

    def __getitem__(self, key):
        value = self.current_[key]
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        self.set_(key, value)

    @cython.critical_section
    def __delitem__(self, key):
        del self.current_[key]
        self.pending_.pop(key, None)
        self.mirror_unset(CODES.get(key))

    def __iter__(self):
        return iter(self.current_)

    def __len__(self):
        return len(self.current_)

    def __contains__(self, key):
        return self.current_.get(key) is not None

    def __eq__(self, other):
        cdef SettingsBase right
        if not isinstance(other, SettingsBase):
            return NotImplemented
        right = other
        return self.current_ == right.current_ and self.pending_ == right.pending_

    __hash__ = None

    def __reduce__(self):
        queues = {key: list(queue) for key, queue in self.pending_.items()}
        return copyreg.__newobj__, (type(self),), (bool(self.client_), dict(self.current_), queues)

    def __setstate__(self, state):
        client, current, queues = state
        self.start_afresh(bool(client), dict(current), {key: list(queue) for key, queue in queues.items()})

    @cython.critical_section
    cdef int start_afresh(self, bint client, dict current, dict queues) except -1:
        cdef object key, value
        self.reset_mirrors(client)
        self.current_.clear()
        self.pending_.clear()
        self.sent_ = None
        for key, value in queues.items():
            self.pending_[key] = value
        for key, value in current.items():
            if value is None:
                self.current_[key] = None
            else:
                self.assign(key, value)
        return 0


class Settings(SettingsBase, MutableMapping):
    """The settings of one endpoint: a mapping of setting to current value.

    Assignment queues a value; it becomes current when the peer (for our settings)
    or the engine (for the peer's) acknowledges it. Several changes may be queued;
    each acknowledgment applies one of every setting.

    Args:
        client: True if these are a client's settings.
        initial_values: A mapping of settings that are current from the start.

    Raises:
        InvalidSettingsValueError: A value its setting can't have.
        TypeError: A value that is no int.
    """

    __module__ = "fasth2.settings"
    __slots__ = ()
