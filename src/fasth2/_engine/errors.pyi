from fasth2.errors import ErrorCodes
from fasth2.exceptions import ProtocolError

FAULTS: dict[int, tuple[str, str, ErrorCodes, type[ProtocolError], str]]
