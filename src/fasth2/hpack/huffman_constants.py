"""The Huffman code of RFC 7541 Appendix B, under hpack's names."""
from .huffman import REQUEST_CODES, REQUEST_CODES_LENGTH

__all__ = ["REQUEST_CODES", "REQUEST_CODES_LENGTH"]
