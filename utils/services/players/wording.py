"""Sentences about players that several services use."""

from utils.models.texts import Names, Text, Value, text
from utils.models.typed_text import quote


def describe_missing_player(name: str) -> Text:
    """Return the sentence that no player has this name."""
    return text("No player called “{name}” yet.", name=quote(name))


def describe_several_players(name: str, candidates: tuple[Value, ...]) -> Text:
    """Return the sentence that several players fit."""
    return text(
        "“{name}” fits more than one player: {candidates}.", name=quote(name), candidates=Names(candidates)
    )


def describe_several_links(name: str, candidates: tuple[str, ...]) -> Text:
    """Return the sentence that several linked players fit."""
    return text(
        "“{name}” fits more than one linked player: {candidates}.",
        name=quote(name),
        candidates=Names(candidates),
    )
