"""Reads of the stored data for its verification."""
