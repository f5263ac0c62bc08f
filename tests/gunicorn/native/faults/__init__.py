"""fasth2's own WSGI worker when clients, applications and the machine misbehave."""
