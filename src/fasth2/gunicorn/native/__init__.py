"""fasth2's own servers as gunicorn workers."""
