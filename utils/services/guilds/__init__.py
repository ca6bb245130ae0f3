"""A community's settings, and what was changed by hand."""
