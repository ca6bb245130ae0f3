"""A community's game servers: added, changed, removed."""
