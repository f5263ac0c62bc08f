"""What the engine offers beyond h2's names."""
