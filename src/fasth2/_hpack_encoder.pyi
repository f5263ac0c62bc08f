from collections.abc import Iterable, Mapping

from ._hpack_table import HeaderTable

_Octets = str | bytes
_Field = tuple[_Octets, _Octets] | tuple[_Octets, _Octets, bool]

class Encoder:
    max_table_size: int | None
    header_table_size: int
    @property
    def header_table(self) -> HeaderTable: ...
    def encode(self, headers: Mapping[_Octets, _Octets] | Iterable[_Field], huffman: bool = True) -> bytes: ...
