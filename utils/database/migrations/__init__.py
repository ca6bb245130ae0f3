"""Upgrades of data of an older version, and changes of the secret key."""
