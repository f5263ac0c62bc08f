"""The table of faults: scope (stream or connection), error code, h2's exception and the counter's token."""
from fasth2 import exceptions as x
from fasth2.errors import ErrorCodes

_SCOPES = {"connection": SCOPE_CONNECTION, "rfc": SCOPE_RFC, "stream": SCOPE_STREAM}

_PROTOCOL = ErrorCodes.PROTOCOL_ERROR
_SIZE = ErrorCodes.FRAME_SIZE_ERROR
_FLOW = ErrorCodes.FLOW_CONTROL_ERROR
_CALM = ErrorCodes.ENHANCE_YOUR_CALM

# fault: (token, scope, error code, exception class, message)
FAULTS = {
    FAULT_PREFACE: ("preface", "connection", _PROTOCOL, x.ProtocolError, "Invalid HTTP/2 preamble"),
    FAULT_SETTINGS_FIRST: ("settings_first", "connection", _PROTOCOL, x.ProtocolError,
                           "first frame after the preface is not SETTINGS"),
    FAULT_FRAME_TOO_LARGE: ("frame_too_large", "connection", _SIZE, x.FrameTooLargeError,
                            "frame longer than SETTINGS_MAX_FRAME_SIZE"),
    FAULT_STREAM_ID_ZERO: ("stream_id_zero", "connection", _PROTOCOL, x.ProtocolError,
                           "Received frame with invalid header, stream 0"),
    FAULT_STREAM_ID_NOT_ZERO: ("stream_id_not_zero", "connection", _PROTOCOL, x.ProtocolError,
                               "Received frame with invalid header, not on stream 0"),
    FAULT_DATA_SHORT: ("data_short", "connection", _SIZE, x.FrameDataMissingError, "DATA without its pad length"),
    FAULT_DATA_PADDING: ("data_pad_too_long", "connection", _PROTOCOL, x.ProtocolError,
                         "DATA padding as long as the payload or longer"),
    FAULT_HEADERS_SHORT: ("headers_short", "connection", _SIZE, x.FrameDataMissingError,
                          "HEADERS too short for its flags"),
    FAULT_HEADERS_PADDING: ("headers_pad_too_long", "connection", _PROTOCOL, x.ProtocolError,
                            "HEADERS padding longer than the fragment"),
    FAULT_PRIORITY_LENGTH: ("priority_length", "rfc", _SIZE, x.FrameDataMissingError, "PRIORITY that is not 5 octets"),
    FAULT_PRIORITY_SELF: ("priority_self", "rfc", _PROTOCOL, x.ProtocolError, "stream may not depend on itself"),
    FAULT_RST_STREAM_LENGTH: ("rst_stream_length", "connection", _SIZE, x.FrameDataMissingError,
                              "RST_STREAM that is not 4 octets"),
    FAULT_SETTINGS_LENGTH: ("settings_length", "connection", _SIZE, x.FrameDataMissingError,
                            "SETTINGS that is not a multiple of 6 octets"),
    FAULT_SETTINGS_ACK_PAYLOAD: ("settings_ack_payload", "connection", _SIZE, x.FrameDataMissingError,
                                 "SETTINGS acknowledgement with a payload"),
    FAULT_SETTINGS_VALUE: ("settings_value", "connection", _PROTOCOL, x.InvalidSettingsValueError,
                           "setting with an invalid value"),
    FAULT_SETTINGS_WINDOW: ("settings_window", "connection", _FLOW, x.InvalidSettingsValueError,
                            "SETTINGS_INITIAL_WINDOW_SIZE over 2**31 - 1"),
    FAULT_PUSH_PROMISE: ("push_promise", "connection", _PROTOCOL, x.ProtocolError,
                         "PUSH_PROMISE sent to an endpoint that does not take it"),
    FAULT_PUSH_PROMISE_SHORT: ("push_promise_short", "connection", _SIZE, x.FrameDataMissingError,
                               "PUSH_PROMISE too short for its flags"),
    FAULT_PUSH_PROMISE_PADDING: ("push_promise_pad_too_long", "connection", _PROTOCOL, x.ProtocolError,
                                 "PUSH_PROMISE padding longer than the fragment"),
    FAULT_PING_LENGTH: ("ping_length", "connection", _SIZE, x.FrameDataMissingError, "PING that is not 8 octets"),
    FAULT_GOAWAY_LENGTH: ("goaway_length", "connection", _SIZE, x.FrameDataMissingError, "GOAWAY under 8 octets"),
    FAULT_WINDOW_UPDATE_LENGTH: ("window_update_length", "connection", _SIZE, x.FrameDataMissingError,
                                 "WINDOW_UPDATE that is not 4 octets"),
    FAULT_WINDOW_UPDATE_ZERO: ("window_update_zero", "rfc", _PROTOCOL, x.ProtocolError, "WINDOW_UPDATE of 0"),
    FAULT_WINDOW_UPDATE_RESERVED: ("window_update_reserved", "connection", _PROTOCOL, x.ProtocolError,
                                   "WINDOW_UPDATE with its reserved bit set"),
    FAULT_CONTINUATION_EXPECTED: ("continuation_expected", "connection", _PROTOCOL, x.ProtocolError,
                                  "Invalid frame during header block"),
    FAULT_CONTINUATION_STRAY: ("continuation_stray", "connection", _PROTOCOL, x.ProtocolError,
                               "CONTINUATION outside a field block"),
    FAULT_ALTSVC_LENGTH: ("altsvc_length", "connection", _SIZE, x.FrameDataMissingError,
                          "ALTSVC shorter than its origin"),
    FAULT_PRIORITY_UPDATE_LENGTH: ("priority_update_length", "connection", _SIZE, x.FrameDataMissingError,
                                   "PRIORITY_UPDATE under 4 octets"),
    FAULT_PRIORITY_UPDATE_STREAM: ("priority_update_stream", "connection", _PROTOCOL, x.ProtocolError,
                                   "PRIORITY_UPDATE for stream 0 or a stream that was not promised"),
    FAULT_PRIORITY_UPDATE_IDLE: ("priority_update_idle", "connection", _PROTOCOL, x.ProtocolError,
                                 "PRIORITY_UPDATE for more streams than may be open"),
    FAULT_PRIORITY_UPDATE_SERVER: ("priority_update_server", "connection", _PROTOCOL, x.ProtocolError,
                                   "PRIORITY_UPDATE sent by a server"),
    FAULT_CONNECTION_CLOSED: ("connection_closed", "connection", _PROTOCOL, x.ProtocolError,
                              "frame on a connection that is closed"),
    FAULT_IDLE_STREAM: ("idle_stream", "connection", _PROTOCOL, x.NoSuchStreamError, "frame on an idle stream"),
    FAULT_STREAM_ID_TOO_LOW: ("stream_id_too_low", "connection", _PROTOCOL, x.StreamIDTooLowError,
                              "stream below one already opened"),
    FAULT_STREAM_ID_PARITY: ("stream_id_parity", "connection", _PROTOCOL, x.ProtocolError,
                             "invalid stream ID for the peer"),
    FAULT_RESPONSE_UNASKED: ("response_unasked", "connection", _PROTOCOL, x.ProtocolError,
                             "HEADERS on a stream that was neither requested nor promised"),
    FAULT_PROMISE_PARENT: ("promise_parent", "connection", _PROTOCOL, x.ProtocolError,
                           "PUSH_PROMISE on a stream that is not a request awaiting its response"),
    FAULT_PROMISED_ID: ("promised_id", "connection", _PROTOCOL, x.ProtocolError,
                        "PUSH_PROMISE of a stream that cannot be promised"),
    FAULT_STREAM_CLOSED: ("stream_closed", "connection", ErrorCodes.STREAM_CLOSED, x.StreamClosedError,
                          "frame on a closed stream"),
    FAULT_HALF_CLOSED: ("half_closed", "stream", ErrorCodes.STREAM_CLOSED, x.StreamClosedError,
                        "frame after END_STREAM"),
    FAULT_RESERVED: ("reserved", "connection", _PROTOCOL, x.ProtocolError, "frame on a reserved stream"),
    FAULT_CONNECTED: ("connected", "stream", _PROTOCOL, x.ProtocolError, "HEADERS inside a tunnel"),
    FAULT_CLOSED_BY_RESET: ("closed_by_reset", "stream", ErrorCodes.STREAM_CLOSED, x.StreamClosedError,
                            "frame on a stream that was reset"),
    FAULT_STREAMS_REFUSED: ("streams_refused", "rfc", _PROTOCOL, x.TooManyStreamsError,
                            "more streams than SETTINGS_MAX_CONCURRENT_STREAMS"),
    FAULT_WINDOW_OVERRUN: ("window_overrun", "connection", _FLOW, x.FlowControlError,
                           "DATA beyond the connection's flow-control window"),
    FAULT_STREAM_WINDOW_OVERRUN: ("stream_window_overrun", "connection", _FLOW, x.FlowControlError,
                                  "DATA beyond the stream's flow-control window"),
    FAULT_WINDOW_OVERFLOW: ("window_overflow", "connection", _FLOW, x.FlowControlError,
                            "flow-control window past 2**31 - 1"),
    FAULT_STREAM_WINDOW_OVERFLOW: ("stream_window_overflow", "stream", _FLOW, x.FlowControlError,
                                   "flow-control window past 2**31 - 1"),
    FAULT_COMPRESSION: ("compression", "connection", ErrorCodes.COMPRESSION_ERROR, x.ProtocolError,
                        "field block that cannot be decoded"),
    FAULT_STRING_SIZE: ("string_size", "connection", ErrorCodes.COMPRESSION_ERROR, x.ProtocolError,
                        "field string over the limit"),
    FAULT_LIST_SIZE: ("header_list_size", "rfc", _CALM, x.DenialOfServiceError, "header list over the limit"),
    FAULT_LIST_SIZE_HARD: ("header_list_size", "connection", _CALM, x.DenialOfServiceError,
                           "header list far over the limit"),
    FAULT_FIELDS: ("header_fields", "rfc", _CALM, x.DenialOfServiceError, "more fields than the limit"),
    FAULT_FIELDS_HARD: ("header_fields", "connection", _CALM, x.DenialOfServiceError,
                        "far more fields than the limit"),
    FAULT_CONTINUATION_FRAMES: ("continuation_frames", "connection", _PROTOCOL, x.ProtocolError,
                                "too many CONTINUATION frames"),
    FAULT_BLOCK_SIZE: ("continuation_frames", "connection", _PROTOCOL, x.ProtocolError,
                       "encoded field block over the header list limit"),
    FAULT_NAME_EMPTY: ("name_empty", "rfc", _PROTOCOL, x.ProtocolError, "Received header name with zero length"),
    FAULT_NAME_UPPER: ("name_upper", "rfc", _PROTOCOL, x.ProtocolError, "upper case in a field name"),
    FAULT_NAME_OCTET: ("name_octet", "rfc", _PROTOCOL, x.ProtocolError, "octet not allowed in a field name"),
    FAULT_VALUE_OCTET: ("value_octet", "rfc", _PROTOCOL, x.ProtocolError, "NUL, CR or LF in a field value"),
    FAULT_VALUE_PADDED: ("value_padded", "rfc", _PROTOCOL, x.ProtocolError, "field value surrounded by whitespace"),
    FAULT_UNDECODABLE: ("undecodable", "rfc", _PROTOCOL, x.ProtocolError,
                        "field that the header encoding cannot decode"),
    FAULT_TE: ("te", "rfc", _PROTOCOL, x.ProtocolError, "te field other than trailers"),
    FAULT_CONNECTION_FIELD: ("connection_field", "rfc", _PROTOCOL, x.ProtocolError, "connection-specific field"),
    FAULT_PSEUDO_DUPLICATE: ("pseudo_duplicate", "rfc", _PROTOCOL, x.ProtocolError, "pseudo-header field sent twice"),
    FAULT_PSEUDO_LATE: ("pseudo_late", "rfc", _PROTOCOL, x.ProtocolError, "pseudo-header field after a regular one"),
    FAULT_PSEUDO_UNKNOWN: ("pseudo_unknown", "rfc", _PROTOCOL, x.ProtocolError, "unknown pseudo-header field"),
    FAULT_PSEUDO_TRAILERS: ("pseudo_trailers", "rfc", _PROTOCOL, x.ProtocolError, "Received pseudo-header in trailer"),
    FAULT_PSEUDO_RESPONSE: ("pseudo_response", "rfc", _PROTOCOL, x.ProtocolError,
                            "pseudo-header field of the other direction"),
    FAULT_STATUS: ("status", "rfc", _PROTOCOL, x.ProtocolError, "response whose :status is not three digits"),
    FAULT_INTERIM_END: ("interim_end", "rfc", _PROTOCOL, x.ProtocolError,
                        "informational response with END_STREAM, or on a stream that is not open"),
    FAULT_DATA_EARLY: ("data_early", "rfc", _PROTOCOL, x.ProtocolError, "cannot receive data before headers"),
    FAULT_PROMISED_METHOD: ("promised_method", "stream", _PROTOCOL, x.ProtocolError,
                            "promised request that is not GET or HEAD"),
    FAULT_PROMISED_CONTENT: ("promised_content", "stream", _PROTOCOL, x.ProtocolError,
                             "promised request with content"),
    FAULT_METHOD_MISSING: ("method_missing", "rfc", _PROTOCOL, x.ProtocolError, "request without :method"),
    FAULT_SCHEME_MISSING: ("scheme_missing", "rfc", _PROTOCOL, x.ProtocolError, "request without :scheme"),
    FAULT_PATH_MISSING: ("path_missing", "rfc", _PROTOCOL, x.ProtocolError, "request without :path"),
    FAULT_PATH_EMPTY: ("path_empty", "rfc", _PROTOCOL, x.ProtocolError, "request with an empty :path"),
    FAULT_PATH_FORM: ("path_form", "rfc", _PROTOCOL, x.ProtocolError, "request whose :path does not start with /"),
    FAULT_TARGET_OCTET: ("target_octet", "rfc", _PROTOCOL, x.ProtocolError,
                         "octet not allowed in :method, :scheme or :path"),
    FAULT_CONNECT_TARGET: ("connect_target", "rfc", _PROTOCOL, x.ProtocolError, "CONNECT with :scheme or :path"),
    FAULT_PROTOCOL_UNASKED: ("protocol_unasked", "rfc", _PROTOCOL, x.ProtocolError,
                             ":protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL"),
    FAULT_PROTOCOL_NOT_CONNECT: ("protocol_not_connect", "rfc", _PROTOCOL, x.ProtocolError,
                                 ":protocol on a method other than CONNECT"),
    FAULT_AUTHORITY_MISSING: ("authority_missing", "rfc", _PROTOCOL, x.ProtocolError,
                              "request without :authority or host"),
    FAULT_CONNECT_AUTHORITY: ("connect_authority", "rfc", _PROTOCOL, x.ProtocolError, "CONNECT without :authority"),
    FAULT_AUTHORITY_USERINFO: ("authority_userinfo", "rfc", _PROTOCOL, x.ProtocolError, "user information in :authority"),
    FAULT_AUTHORITY_EMPTY: ("authority_empty", "rfc", _PROTOCOL, x.ProtocolError, "empty :authority or host"),
    FAULT_AUTHORITY_OCTET: ("authority_octet", "rfc", _PROTOCOL, x.ProtocolError,
                            "octet not allowed in :authority or host"),
    FAULT_HOST_DUPLICATE: ("host_duplicate", "rfc", _PROTOCOL, x.ProtocolError, "more than one host field"),
    FAULT_HOST_MISMATCH: ("host_mismatch", "rfc", _PROTOCOL, x.ProtocolError, "host field that differs from :authority"),
    FAULT_CONTENT_LENGTH: ("content_length", "rfc", _PROTOCOL, x.ProtocolError, "Invalid content-length header"),
    FAULT_CONTENT_LENGTH_CONFLICT: ("content_length_conflict", "rfc", _PROTOCOL, x.ProtocolError,
                                    "Conflicting content-length headers"),
    FAULT_BODY_LENGTH: ("body_length", "rfc", _PROTOCOL, x.InvalidBodyLengthError,
                        "body that differs from content-length"),
    FAULT_TRAILERS_OPEN: ("trailers_open", "rfc", _PROTOCOL, x.ProtocolError, "trailers must have END_STREAM set"),
    FAULT_LIMIT_RESETS: ("resets", "connection", _CALM, x.DenialOfServiceError, "too many streams reset"),
    FAULT_LIMIT_ACKS: ("ack_backlog", "connection", _CALM, x.DenialOfServiceError,
                       "too many PING and SETTINGS acknowledgements unsent"),
    FAULT_LIMIT_CONTROL: ("control_backlog", "connection", _CALM, x.DenialOfServiceError,
                          "too many octets of control frames unsent"),
    FAULT_LIMIT_SUSPICIOUS: ("suspicious_frames", "connection", _CALM, x.DenialOfServiceError,
                             "too many frames without useful content"),
    FAULT_LIMIT_IGNORED: ("ignored_octets", "connection", _CALM, x.DenialOfServiceError,
                          "too many octets in ignored frames"),
    FAULT_LIMIT_PRIORITY: ("priority_frames", "connection", _CALM, x.DenialOfServiceError,
                           "too many PRIORITY and PRIORITY_UPDATE frames"),
    FAULT_LIMIT_WINDOW_UPDATES: ("window_updates", "connection", _CALM, x.DenialOfServiceError,
                                 "too many WINDOW_UPDATE frames"),
    FAULT_LIMIT_SETTINGS: ("settings_per_frame", "connection", _CALM, x.DenialOfServiceError,
                           "too many settings in one frame"),
    FAULT_LIMIT_REFUSALS: ("resets", "connection", _CALM, x.StreamsRefusedError, "too many streams refused"),
    FAULT_LIMIT_EARLY_REFUSALS: ("early_refusals", "connection", _CALM, x.StreamsRefusedError,
                                 "too many streams refused before SETTINGS were acknowledged"),
    FAULT_LIMIT_INTERIM: ("informational_responses", "rfc", _CALM, x.DenialOfServiceError,
                          "too many informational responses"),
}

# Limits whose error code is not ENHANCE_YOUR_CALM.
_OTHER_LIMITS = (FAULT_STREAMS_REFUSED, FAULT_STRING_SIZE, FAULT_CONTINUATION_FRAMES, FAULT_BLOCK_SIZE)

cdef dict LIMITS_CROSSED = {fault: what[0].encode() for fault, what in FAULTS.items()
                            if what[2] == _CALM or fault in _OTHER_LIMITS}

# Those of them that h2 has.
cdef tuple LIMITS_OF_H2 = (FAULT_STREAMS_REFUSED, FAULT_LIST_SIZE, FAULT_LIST_SIZE_HARD, FAULT_CONTINUATION_FRAMES)

cdef int[FAULT_COUNT] SCOPE
cdef int[FAULT_COUNT] CODE


cdef int fill_tables() except -1:
    cdef int fault
    for fault in range(1, <int>FAULT_COUNT):
        SCOPE[fault] = _SCOPES[FAULTS[fault][1]]
        CODE[fault] = FAULTS[fault][2]
    return 0


fill_tables()


cdef int fault_scope(int fault) noexcept:
    return SCOPE[fault]


cdef int fault_code(int fault) noexcept:
    """Return the error code. Only the RST_STREAM of a refused stream has another one."""
    return CODE[fault]


cdef str fault_token(int fault):
    return FAULTS[fault][0]


cdef bytes fault_debug(int fault, bint rfc_errors):
    """Return GOAWAY's debug data: the name of the exceeded limit, empty for other faults (RFC 9113 section 6.8).

    Without rfc_errors, limits that h2 has too end the connection as in h2, whose GOAWAY has no debug data.
    """
    if not rfc_errors and fault in LIMITS_OF_H2:
        return b""
    return LIMITS_CROSSED.get(fault, b"")


cdef str show(object value):
    """Format a value for an error message: octets escaped, cut at 200 characters."""
    cdef str text = ascii(value)
    return text if len(text) <= 200 else text[:200] + "..."


cdef object fault_exception(int fault, unsigned int stream_id, object value):
    """Make h2's exception for a connection error. value: the detail for its message, or None."""
    _, _, code, kind, text = FAULTS[fault]
    where = text
    if value is not None and kind is not x.StreamIDTooLowError and kind is not x.InvalidBodyLengthError:
        where = f"{where}: {value if type(value) is str else show(value)}"
    if stream_id:
        where = f"{where} (stream {stream_id})"
    if kind is x.StreamIDTooLowError:
        error = kind(stream_id, value)
    elif kind is x.InvalidBodyLengthError:
        error = kind(*value)
    elif kind is x.InvalidSettingsValueError:
        error = kind(where, code)
    elif kind is x.NoSuchStreamError or kind is x.StreamClosedError:
        error = kind(stream_id)
        error.args = (where,)
    else:
        error = kind(where)
    if error.error_code != code:
        error.error_code = code
    return error
