"""A server's connection: frames of any kind and calls, against plain models of windows and HPACK tables."""
from fuzz.conversation import Conversation
from fuzz.source import Source


def one_input(data: bytes) -> None:
    """Play one input."""
    Conversation(Source(data), client_side=False).play()
