"""The connection, under h2's module name."""
from fasth2._engine.connection import H2Connection

__all__ = ["H2Connection"]
