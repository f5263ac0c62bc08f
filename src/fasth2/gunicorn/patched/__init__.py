"""gunicorn's own worker classes, with HTTP/2 by fasth2."""
