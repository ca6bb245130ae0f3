"""The soak: the whole bot under random deaths, commands and faults for a chosen time."""
