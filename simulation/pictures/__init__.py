"""The pictures of the documentation: draws messages as Discord shows them, and the artwork of notices."""
