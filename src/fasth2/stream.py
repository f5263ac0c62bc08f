"""Streams, under h2's module name."""
from fasth2._engine.stream import H2Stream, StreamClosedBy, StreamState

__all__ = ["H2Stream", "StreamClosedBy", "StreamState"]
