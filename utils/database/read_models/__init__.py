"""Figures made ready to be read."""
