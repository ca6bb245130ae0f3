"""Benchmarks: medians and ratios of one run on this machine, printed as a table and kept nowhere."""
