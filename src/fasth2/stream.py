"""Streams, under h2's module name, and the names that h2's module has from others."""
from fasth2._engine.stream import H2Stream, StreamClosedBy, StreamState
from fasth2.errors import ErrorCodes as ErrorCodes
from fasth2.events import AlternativeServiceAvailable as AlternativeServiceAvailable
from fasth2.events import DataReceived as DataReceived
from fasth2.events import Event as Event
from fasth2.events import InformationalResponseReceived as InformationalResponseReceived
from fasth2.events import PushedStreamReceived as PushedStreamReceived
from fasth2.events import RequestReceived as RequestReceived
from fasth2.events import ResponseReceived as ResponseReceived
from fasth2.events import StreamEnded as StreamEnded
from fasth2.events import StreamReset as StreamReset
from fasth2.events import TrailersReceived as TrailersReceived
from fasth2.events import WindowUpdated as WindowUpdated
from fasth2.exceptions import FlowControlError as FlowControlError
from fasth2.exceptions import InvalidBodyLengthError as InvalidBodyLengthError
from fasth2.exceptions import ProtocolError as ProtocolError
from fasth2.exceptions import StreamClosedError as StreamClosedError
from fasth2.hpack.struct import HeaderTuple as HeaderTuple
from fasth2.utilities import HeaderValidationFlags as HeaderValidationFlags
from fasth2.utilities import authority_from_headers as authority_from_headers
from fasth2.utilities import extract_method_header as extract_method_header
from fasth2.utilities import guard_increment_window as guard_increment_window
from fasth2.utilities import is_informational_response as is_informational_response
from fasth2.utilities import normalize_inbound_headers as normalize_inbound_headers
from fasth2.utilities import normalize_outbound_headers as normalize_outbound_headers
from fasth2.utilities import utf8_encode_headers as utf8_encode_headers
from fasth2.utilities import validate_headers as validate_headers
from fasth2.utilities import validate_outbound_headers as validate_outbound_headers

__all__ = ["H2Stream", "StreamClosedBy", "StreamState"]
