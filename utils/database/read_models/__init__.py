"""Read models: figures prepared for answers."""
