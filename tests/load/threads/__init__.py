"""gunicorn on fasth2 under load, over real sockets, for each worker."""
