"""gunicorn 27 on fasth2: the connection class, the ways in, and servers that run."""
