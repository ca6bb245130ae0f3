"""A community's settings, and the audit of changes by hand."""
