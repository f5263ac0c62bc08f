"""The ASGI server without a host."""
