"""fasth2's tests."""
