"""Role rules: who holds which role of Discord."""
