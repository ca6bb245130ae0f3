"""Backups: taken from a snapshot, checked, proven in a scratch database, copied and kept for some days."""
