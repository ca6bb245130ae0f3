"""Recaps: when they are due, their figures, their timer, their settings."""
