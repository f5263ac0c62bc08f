"""Huffman decoding, under hpack's names."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exceptions import HPACKDecodingError
from .huffman import REQUEST_CODES, REQUEST_CODES_LENGTH, decode

if TYPE_CHECKING:
    from typing_extensions import Buffer

    HUFFMAN_TABLE: list[tuple[int, int, int]]

__all__ = [
    "HPACKDecodingError", "HUFFMAN_COMPLETE", "HUFFMAN_EMIT_SYMBOL", "HUFFMAN_FAIL", "HUFFMAN_TABLE", "decode_huffman",
]  # fmt: skip

#: Flags of HUFFMAN_TABLE: the input may end here; a symbol is complete; no symbol begins so.
HUFFMAN_COMPLETE = 1
HUFFMAN_EMIT_SYMBOL = 1 << 1
HUFFMAN_FAIL = 1 << 2

EOS = 256



def decode_huffman(huffman_string: Buffer | None) -> bytes:
    """Decode a Huffman-coded string (RFC 7541 section 5.2).

    Args:
        huffman_string: A bytes-like object, or ``None`` for an empty one.

    Returns:
        The decoded ``bytes``.

    Raises:
        HPACKDecodingError: The EOS symbol, a truncated code, or padding over 7 bits or not of ones.
    """
    return decode(bytes(huffman_string)) if huffman_string else b""


def _nodes() -> list[Any]:
    """The inner nodes of the code's tree, each before those below it, the branch of 0 first."""
    root: list[Any] = [None, None]
    for symbol, (code, bits) in enumerate(zip(REQUEST_CODES, REQUEST_CODES_LENGTH)):
        node = root
        for bit in range(bits - 1, 0, -1):
            branch = code >> bit & 1
            if node[branch] is None:
                node[branch] = [None, None]
            node = node[branch]
        node[code & 1] = symbol
    found: list[Any] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += [child for child in reversed(node) if isinstance(child, list)]
    return found


def _make_table() -> list[tuple[int, int, int]]:
    """For each inner node and each four bits: the node they lead to, flags, and the symbol they complete."""
    nodes = _nodes()
    numbers = {id(node): number for number, node in enumerate(nodes)}
    padded = [nodes[0]]
    for _ in range(7):
        padded.append(padded[-1][1])
    complete = {id(node) for node in padded}
    table = []
    for start in nodes:
        for nibble in range(16):
            node, symbol = start, None
            for bit in (3, 2, 1, 0):
                node = node[nibble >> bit & 1]
                if node == EOS:
                    break
                if not isinstance(node, list):
                    node, symbol = nodes[0], node
            if node == EOS:
                table.append((0, HUFFMAN_FAIL, 0))
                continue
            flags = HUFFMAN_COMPLETE if id(node) in complete else 0
            table.append((numbers[id(node)], flags, 0) if symbol is None
                         else (numbers[id(node)], flags | HUFFMAN_EMIT_SYMBOL, symbol))
    return table


def __getattr__(name: str) -> Any:
    # No code of fasth2 reads this table of 4096 entries; it is made for who does.
    if name != "HUFFMAN_TABLE":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = _make_table()
    return globals()[name]
