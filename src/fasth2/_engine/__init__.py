"""The protocol engine: streams, settings, headers and limits (RFC 9113 sections 5 and 8, RFC 9218); no I/O."""
