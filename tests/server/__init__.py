"""The façade's contract: what HTTP2ServerConnection does, behaviour by behaviour."""
