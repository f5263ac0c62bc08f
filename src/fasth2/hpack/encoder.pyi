from collections.abc import Iterable
from typing import Any, final

from .table import TableSnapshot

@final
class Encoder:
    max_table_size: int | None
    header_table_size: int
    @property
    def header_table(self) -> TableSnapshot: ...
    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes: ...
