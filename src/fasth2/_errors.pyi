from .errors import ErrorCodes
from .exceptions import ProtocolError

FAULTS: dict[int, tuple[str, str, ErrorCodes, type[ProtocolError], str]]
