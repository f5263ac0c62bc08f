"""fasth2's own ASGI server, independent of what carries its connections; `fasth2.uvicorn` is one host of it."""
