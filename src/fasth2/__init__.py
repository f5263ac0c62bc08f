"""HTTP/2 for Python at native speed, with h2's API."""
