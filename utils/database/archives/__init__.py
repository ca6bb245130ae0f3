"""Documents as they are stored, without decoding them: read from one moment, and loaded elsewhere."""
