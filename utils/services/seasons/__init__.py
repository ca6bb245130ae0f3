"""Seasons: their rules, their timer, their results."""
