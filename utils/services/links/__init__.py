"""Members and their players."""
