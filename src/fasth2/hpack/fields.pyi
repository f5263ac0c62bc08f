from collections.abc import Mapping

FLAGS: Mapping[str, int]

def classify(name: bytes, value: bytes) -> tuple[frozenset[str], int, int]: ...
