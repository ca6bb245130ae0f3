"""Charts: pictures of figures, drawn in a thread."""
