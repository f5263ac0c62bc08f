"""RFC 9113 (and the RFCs that extend it), section by section, for the server role."""
