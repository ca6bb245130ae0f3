"""Data of an older version, and of another secret key, brought up to date."""
