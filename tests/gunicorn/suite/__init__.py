"""gunicorn's own HTTP/2 tests, run on fasth2's classes."""
