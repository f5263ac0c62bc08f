from collections.abc import Sequence

from typing_extensions import Buffer

REQUEST_CODES: list[int]
REQUEST_CODES_LENGTH: list[int]

def decode(data: bytes) -> bytes: ...
def encode(data: bytes) -> bytes: ...

class HuffmanEncoder:
    huffman_code_list: Sequence[int]
    huffman_code_list_lengths: Sequence[int]
    def __init__(self, huffman_code_list: Sequence[int], huffman_code_list_lengths: Sequence[int]) -> None: ...
    def encode(self, bytes_to_encode: Buffer | None) -> bytes: ...
