"""Benchmarks of fasth2 beside its peers. README.md says what is measured and how."""
