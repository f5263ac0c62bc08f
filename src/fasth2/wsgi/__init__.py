"""The WSGI server: an event loop, its connections, and the calls of the application (PEP 3333)."""
