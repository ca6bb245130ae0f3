"""Personal data: the person, the export and the erasure."""
