"""The connection, under h2's module name, and the names that h2's module has from others."""
from fasth2._engine.connection import ConnectionState, H2Connection
from fasth2._engine.settings import ChangedSetting, SettingCodes, Settings
from fasth2.config import H2Configuration
from fasth2.errors import ErrorCodes
from fasth2.events import AlternativeServiceAvailable as AlternativeServiceAvailable
from fasth2.events import ConnectionTerminated as ConnectionTerminated
from fasth2.events import Event as Event
from fasth2.events import InformationalResponseReceived as InformationalResponseReceived
from fasth2.events import PingAckReceived as PingAckReceived
from fasth2.events import PingReceived as PingReceived
from fasth2.events import PriorityUpdated as PriorityUpdated
from fasth2.events import RemoteSettingsChanged as RemoteSettingsChanged
from fasth2.events import RequestReceived as RequestReceived
from fasth2.events import ResponseReceived as ResponseReceived
from fasth2.events import SettingsAcknowledged as SettingsAcknowledged
from fasth2.events import TrailersReceived as TrailersReceived
from fasth2.events import UnknownFrameReceived as UnknownFrameReceived
from fasth2.events import WindowUpdated as WindowUpdated
from fasth2.exceptions import DenialOfServiceError as DenialOfServiceError
from fasth2.exceptions import FlowControlError as FlowControlError
from fasth2.exceptions import FrameTooLargeError as FrameTooLargeError
from fasth2.exceptions import NoAvailableStreamIDError as NoAvailableStreamIDError
from fasth2.exceptions import NoSuchStreamError as NoSuchStreamError
from fasth2.exceptions import ProtocolError as ProtocolError
from fasth2.exceptions import RFC1122Error as RFC1122Error
from fasth2.exceptions import StreamClosedError as StreamClosedError
from fasth2.exceptions import StreamIDTooLowError as StreamIDTooLowError
from fasth2.exceptions import TooManyStreamsError as TooManyStreamsError
from fasth2.hpack.exceptions import HPACKError as HPACKError
from fasth2.hpack.exceptions import OversizedHeaderListError as OversizedHeaderListError
from fasth2.hpack.hpack import Decoder as Decoder
from fasth2.hpack.hpack import Encoder as Encoder
from fasth2.stream import H2Stream as H2Stream
from fasth2.stream import StreamClosedBy as StreamClosedBy
from fasth2.utilities import SizeLimitDict as SizeLimitDict
from fasth2.utilities import guard_increment_window as guard_increment_window

__all__ = [
    "ChangedSetting",
    "ConnectionState",
    "ErrorCodes",
    "H2Configuration",
    "H2Connection",
    "SettingCodes",
    "Settings",
]
