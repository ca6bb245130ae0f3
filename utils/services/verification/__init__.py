"""Verification: whether the stored data is what it says it is."""
