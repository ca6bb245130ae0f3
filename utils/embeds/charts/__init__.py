"""Charts: pictures of figures, drawn beside the event loop."""
