from ._hpack_decoder import Decoder
from ._hpack_encoder import Encoder
from .config import H2Configuration

MODES: dict[str, int]

class RequestMaker: ...

class Core:
    answers_large_requests: bool
    def __init__(self, config: H2Configuration | None = None) -> None: ...
    @property
    def decoder(self) -> Decoder: ...
    @property
    def encoder(self) -> Encoder: ...
    @property
    def pings_received(self) -> int: ...
