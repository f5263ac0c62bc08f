"""Whole servers over TLS: fasth2's WSGI worker beside its peers. bench/README.md says what is measured and how."""
