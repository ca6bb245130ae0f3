"""The known players, and their figures."""
