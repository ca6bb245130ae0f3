"""Who is known, and their figures."""
