"""The exceptions of HPACK, with hpack's names."""


class HPACKError(Exception):
    """The base of the exceptions of this module."""


class HPACKDecodingError(HPACKError):
    """A header block violates RFC 7541 or exceeds a limit."""


class InvalidTableIndexError(HPACKDecodingError):
    """An index that neither table has (RFC 7541 section 2.3.3)."""


class InvalidTableIndex(InvalidTableIndexError):
    """The name that InvalidTableIndexError had; what is raised is of this class, as in hpack."""


class OversizedHeaderListError(HPACKDecodingError):
    """A header list exceeds the limit on its size or number of fields, or a string in it its limit."""


class InvalidTableSizeError(HPACKDecodingError):
    """A dynamic table size above the allowed one, or not lowered to it (RFC 7541 sections 4.2 and 6.3)."""
