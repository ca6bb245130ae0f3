"""Values as documents, and documents as values."""
