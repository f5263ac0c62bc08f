"""HPACK: RFC 7541, with hpack as the oracle."""
