from fasth2.config import H2Configuration
from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder

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
