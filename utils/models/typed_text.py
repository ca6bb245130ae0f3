"""Text that people type to find something, and the names it is compared with."""

TYPED_CHARACTERS = 100  # Discord's limit of a choice, and longer than any name


def fold_text(text: str) -> str:
    """Return what a person typed as it is searched for: bounded, without case and blanks around it."""
    return text[:TYPED_CHARACTERS].replace("\n", " ").casefold().strip()
