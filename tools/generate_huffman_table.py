"""Write the Huffman tables of RFC 7541 as C: ``python tools/generate_huffman_table.py > src/fasth2/hpack/huffman_table.h``.

The code of Appendix B is canonical: codes of one length count upwards in symbol
order and each length goes on where the shorter one ended. The lengths alone
therefore give every code.
"""
from __future__ import annotations

EOS = 256

# Bits of the code of each symbol, 0 to 255 and EOS (RFC 7541 Appendix B).
LENGTHS = tuple(int(bits) for bits in """
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28
28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6
5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7
7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5
6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23
24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23
21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25
19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23
26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30
""".split())

# Two symbols of header text take 12 bits or fewer, and 4096 entries of 4 octets
# stay in a first-level cache.
LOOKUP_BITS = 12


def codes() -> list[int]:
    """Return the code of each symbol, right-aligned, EOS last."""
    result = [0] * len(LENGTHS)
    code = 0
    length = 0
    for symbol in sorted(range(len(LENGTHS)), key=lambda s: (LENGTHS[s], s)):
        code <<= LENGTHS[symbol] - length
        length = LENGTHS[symbol]
        result[symbol] = code
        code += 1
    return result


def lookup_entry(bits: int, by_code: dict[tuple[int, int], int]) -> int:
    """Return the entry for LOOKUP_BITS bits of input: the one or two symbols they hold, 0 for none.

    Octet 0 is the first symbol, octet 1 the second, octet 2 the bits used by
    both, octet 3 the number of symbols.
    """
    symbols: list[int] = []
    used = 0
    while len(symbols) < 2:
        for length in range(5, LOOKUP_BITS - used + 1):
            code = (bits >> (LOOKUP_BITS - used - length)) & ((1 << length) - 1)
            if (length, code) in by_code:
                symbols.append(by_code[length, code])
                used += length
                break
        else:
            break
    if not symbols:
        return 0
    return symbols[0] | (symbols[-1] << 8) | (used << 16) | (len(symbols) << 24)


def rows(values: list[str], per_row: int) -> list[str]:
    """Lay out C initialisers, ``per_row`` a line."""
    return ["    " + ", ".join(values[i:i + per_row]) + "," for i in range(0, len(values), per_row)]


def render() -> str:
    """Return the text of ``hpack/huffman_table.h``."""
    code_of = codes()
    by_code = {(LENGTHS[s], code_of[s]): s for s in range(EOS)}
    order = sorted(range(len(LENGTHS)), key=lambda s: (LENGTHS[s], s))
    long_lengths = sorted({length for length in LENGTHS if length > LOOKUP_BITS})

    lines = [
        "/* Made by tools/generate_huffman_table.py from the code lengths of RFC 7541",
        "   Appendix B. Do not edit. */",
        "#ifndef FASTH2_HUFFMAN_TABLE_H",
        "#define FASTH2_HUFFMAN_TABLE_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define HUFFMAN_LOOKUP_BITS {LOOKUP_BITS}",
        f"#define HUFFMAN_EOS {EOS}",
        f"#define HUFFMAN_LONG_LENGTHS {len(long_lengths)}",
        "",
        "/* Code of each octet, right-aligned. */",
        "static const uint32_t huffman_code[256] = {",
        *rows([f"0x{code_of[s]:x}" for s in range(EOS)], 8),
        "};",
        "",
        "/* Bits of each octet's code. */",
        "static const uint8_t huffman_bits[256] = {",
        *rows([str(LENGTHS[s]) for s in range(EOS)], 16),
        "};",
        "",
        "/* By the next HUFFMAN_LOOKUP_BITS bits: first symbol | second << 8 | bits used << 16 |",
        "   symbols << 24; 0 where the code is longer. */",
        "static const uint32_t huffman_lookup[1 << HUFFMAN_LOOKUP_BITS] = {",
        *rows([f"0x{lookup_entry(bits, by_code):x}" for bits in range(1 << LOOKUP_BITS)], 8),
        "};",
        "",
        "/* The longer codes, shortest first. The next code has the first length for which the next",
        "   32 bits are below `end`; its symbol is huffman_order[first_order + (code - first_code)]. */",
        "typedef struct {",
        "    uint64_t end;",
        "    uint32_t first_code;",
        "    uint16_t first_order;",
        "    uint16_t bits;",
        "} huffman_length_t;",
        "",
        "static const huffman_length_t huffman_long[HUFFMAN_LONG_LENGTHS] = {",
    ]
    for length in long_lengths:
        members = [s for s in order if LENGTHS[s] == length]
        first = code_of[members[0]]
        end = (first + len(members)) << (32 - length)
        lines.append(f"    {{0x{end:x}, 0x{first:x}, {order.index(members[0])}, {length}}},")
    lines += [
        "};",
        "",
        "/* Symbols in the order of their codes. */",
        f"static const uint16_t huffman_order[{len(order)}] = {{",
        *rows([str(s) for s in order], 16),
        "};",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(), end="")
