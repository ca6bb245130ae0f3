"""Sans-I/O readers of the game's logs: bytes in, values out."""
