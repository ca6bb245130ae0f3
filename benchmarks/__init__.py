"""Benchmarks.

Each prints the medians and ratios of one run on this machine as a table, and stores nothing.
"""
