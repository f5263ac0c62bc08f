"""The servers' certificate."""
