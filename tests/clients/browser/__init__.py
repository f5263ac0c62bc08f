"""A browser against gunicorn on fasth2."""
