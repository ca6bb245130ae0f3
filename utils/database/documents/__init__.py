"""Documents: build them from values, and read them back."""
