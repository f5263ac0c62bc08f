"""Fuzz targets: what any input must not break. See README.md."""
