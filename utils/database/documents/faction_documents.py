"""How factions, their members' periods and their invitations are stored."""

from collections.abc import Iterable, Mapping
from typing import Any

from utils.database.documents.codec import Codec, Document
from utils.models.factions import Faction, FactionInvitation, FactionPeriod
from utils.models.scope import GuildId

FACTIONS = Codec(Faction, without=frozenset({"guild_id"}))
PERIODS, INVITATIONS = Codec(FactionPeriod), Codec(FactionInvitation)

NO_FACTION = {"faction_id": "", "faction_tag": ""}
"""The fields of a proven link that name its member's faction; unset while there is none."""


def build_faction_document(faction: Faction) -> Document:
    """Return the document of a new faction.

    ``holds_name``: the unique indexes of name and tag have it. ``changes`` is written by each change, so that
    changes of one faction run one after the other.
    """
    return {**FACTIONS.build(faction), "holds_name": True, "is_active": True, "changes": 0}


def read_faction(guild_id: GuildId, document: Mapping[str, Any]) -> Faction:
    """Return the faction of a stored document."""
    return FACTIONS.read(document, guild_id=guild_id)


def build_period_document(period: FactionPeriod) -> Document:
    """Return the document of a period; ``joined_day`` is in its key, and ``is_current`` in an index."""
    document = PERIODS.build(period)
    return {**document, "joined_day": period.joined_day.isoformat(), "is_current": period.is_current}


def build_period_key(period: FactionPeriod) -> Document:
    """Return the query for a stored period."""
    return {
        "faction_id": period.faction_id,
        "member_id": int(period.member_id),
        "joined_day": period.joined_day.isoformat(),
    }


def read_periods(documents: Iterable[Mapping[str, Any]]) -> tuple[FactionPeriod, ...]:
    """Return the periods of stored documents."""
    return tuple(map(PERIODS.read, documents))
