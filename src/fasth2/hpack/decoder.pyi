from typing import Any, final

from typing_extensions import Buffer

from .table import TableSnapshot

DEFAULT_MAX_HEADER_LIST_SIZE: int

@final
class Decoder:
    max_header_list_size: int
    hard_list_size: int
    max_fields: int
    hard_max_fields: int
    max_string: int
    max_allowed_table_size: int
    header_table_size: int
    def __init__(
        self, max_header_list_size: int = 65536, *, encoding: str | None = None, fallback: bool = False
    ) -> None: ...
    @property
    def header_table(self) -> TableSnapshot: ...
    def decode(self, data: Buffer, raw: bool = False) -> list[Any]: ...
