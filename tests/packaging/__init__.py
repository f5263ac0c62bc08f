"""What builds and releases fasth2: `setup.py` and the scripts in `tools/`."""
