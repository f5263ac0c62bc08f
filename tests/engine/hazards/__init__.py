"""What a caller, or the machine, can do to the engine: it may refuse, it may not crash."""
