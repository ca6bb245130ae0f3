"""The factions that proven links name, compared with the periods of their members."""

from collections.abc import Iterable, Mapping

from utils.database.core.operations import Document
from utils.database.documents.faction_documents import NO_FACTION

ACTIVE: Document = {"is_active": True}
CURRENT: Document = {"is_current": True}

Memberships = Mapping[tuple[int, int], Document]
"""The fields that the proven links of a member must have, by guild and member."""


def read_memberships(factions: Iterable[Document], periods: Iterable[Document]) -> Memberships:
    """Return the marks that follow from active factions and present periods."""
    tags = {(one["guild_id"], one["faction_id"]): one["tag"] for one in factions}
    return {
        (one["guild_id"], one["member_id"]): {
            "faction_id": one["faction_id"],
            "faction_tag": tags[one["guild_id"], one["faction_id"]],
        }
        for one in periods
        if (one["guild_id"], one["faction_id"]) in tags
    }


def find_right(link: Document, memberships: Memberships) -> Document | None:
    """Return the marks that a proven link must have; None if it has them."""
    right = memberships.get((link["guild_id"], link["member_id"]), {})
    marks = {name: link[name] for name in NO_FACTION if name in link}
    return None if marks == right else right
