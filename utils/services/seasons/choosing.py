"""Finds the season that somebody means."""

from collections.abc import Sequence

from utils.errors import AmbiguousError, NotFoundError
from utils.models.labels import add_labels, find_labelled
from utils.models.seasons import Season
from utils.models.texts import Command, text
from utils.models.typed_text import quote

SUGGESTIONS = 5


def choose_season(seasons: Sequence[Season], typed: str) -> Season:
    """Return the season with this id, label or name; without text the only one.

    Raises:
        NotFoundError, AmbiguousError: none fits, or several.
    """
    choices = [(one.season_id, one.name) for one in seasons]
    labelled = find_labelled(typed, choices)
    found = (
        [one for one in seasons if one.season_id == typed]
        or [one for one in seasons if one.season_id in labelled]
        or ([] if typed else list(seasons))
    )
    if len(found) == 1:
        return found[0]
    if not found:
        names = tuple(dict.fromkeys(one.name for one in seasons))
        raise NotFoundError(
            text("There's no season called “{name}”.", name=quote(typed)),
            suggestions=names[:SUGGESTIONS],
            hint=text("{list} shows all seasons.", list=Command("season list")),
        )
    ids = {one.season_id for one in found}
    several = [choice for choice in add_labels(choices) if choice[0] in ids]
    asked = text("Several seasons fit. Which one do you mean?")
    raise AmbiguousError(asked, typed=typed, choices=several)
