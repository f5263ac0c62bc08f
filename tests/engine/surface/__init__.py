"""The public surface: names, types, packaging."""
