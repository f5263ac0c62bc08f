"""What HPACK raises, named as hpack names it."""


class HPACKError(Exception):
    """The base of the exceptions of this module."""


class HPACKDecodingError(HPACKError):
    """A header block that RFC 7541 or a limit forbids."""


class InvalidTableIndexError(HPACKDecodingError):
    """An index that neither table has (RFC 7541 section 2.3.3)."""


class OversizedHeaderListError(HPACKDecodingError):
    """A header list, or a string in it, over the limit on its size or its number of fields."""


class InvalidTableSizeError(HPACKDecodingError):
    """A dynamic table size above the allowed one, or not lowered to it (RFC 7541 sections 4.2 and 6.3)."""
