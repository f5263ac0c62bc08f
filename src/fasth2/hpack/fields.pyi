from collections.abc import Mapping

FLAGS: Mapping[str, int]
STATIC_TABLE: tuple[tuple[bytes, bytes], ...]

def classify(name: bytes, value: bytes) -> tuple[frozenset[str], int, int]: ...
