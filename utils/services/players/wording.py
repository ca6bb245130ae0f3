"""What is said of players by several services."""

from utils.models.texts import Names, Text, Value, text
from utils.models.typed_text import quote


def describe_missing_player(name: str) -> Text:
    """Return that nobody is called so."""
    return text("There is no player “{name}” here.", name=quote(name))


def describe_several_players(name: str, candidates: tuple[Value, ...]) -> Text:
    """Return that several are called so."""
    return text(
        "“{name}” fits more than one player: {candidates}.", name=quote(name), candidates=Names(candidates)
    )


def describe_several_links(name: str, candidates: tuple[str, ...]) -> Text:
    """Return that several linked players are called so."""
    return text(
        "“{name}” fits more than one linked player: {candidates}.",
        name=quote(name),
        candidates=Names(candidates),
    )
