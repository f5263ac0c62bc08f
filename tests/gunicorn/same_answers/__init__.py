"""The same requests to gunicorn on h2 and on fasth2, and what may differ."""
