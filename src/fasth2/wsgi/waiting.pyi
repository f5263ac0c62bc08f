from .input import Input, Source

class Waiter(Source):
    @property
    def stream_id(self) -> int: ...
    @property
    def input(self) -> Input: ...
