"""Sentences about players that several services use."""

from utils.models.texts import Text, text
from utils.models.typed_text import quote


def describe_missing_player(name: str) -> Text:
    """Return the sentence that no player has this name."""
    return text("No player called “{name}” yet.", name=quote(name))


def describe_several_players(name: str) -> Text:
    """Return the sentence that several players fit."""
    return text("“{name}” fits several players.", name=quote(name))


def describe_several_links(name: str) -> Text:
    """Return the sentence that several linked players fit."""
    return text("“{name}” fits several linked players.", name=quote(name))
