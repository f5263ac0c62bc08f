"""h2 as the oracle: the same octets and calls to h2's server and to fasth2's, and what both make of them."""
