"""The commands of ``python -m fasth2``."""
