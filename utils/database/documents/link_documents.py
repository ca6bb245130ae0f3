"""How links are stored."""

from collections.abc import Iterable

from utils.database.documents.codec import Codec, Document
from utils.models.factions import FactionMark
from utils.models.links import Link, LinkState, ProofAttempts, ProofOutcome
from utils.models.scope import MemberId, PlayerId

LINKS = Codec(Link, without=frozenset({"guild_id"}))
ATTEMPTS = Codec(ProofAttempts)
PROVEN: Document = {"state": LinkState.PROVEN.value}


def build_link_document(link: Link) -> Document:
    """Return the document of a link; ``is_open``: it is pending, or its message shows no outcome yet."""
    document = LINKS.build(link)
    return document if link.is_proven else {**document, "is_open": True}


def build_over(outcome: ProofOutcome) -> Document:
    """Return the fields of a request that is over, and open until its message shows that."""
    return {"state": LinkState.OVER.value, "outcome": outcome.value, "is_open": True}


def build_proven_query(player_ids: Iterable[PlayerId]) -> Document:
    """Return the query for the proven links of players."""
    return {"player_id": {"$in": sorted(player_ids)}, "state": LinkState.PROVEN.value}


def read_marks(documents: Iterable[Document]) -> dict[PlayerId, FactionMark]:
    """Return the factions of the members of proven links, by player; links without one are left out."""
    return {
        PlayerId(one["player_id"]): FactionMark(one["faction_id"], one["faction_tag"])
        for one in documents
        if "faction_id" in one
    }


def read_proven(documents: Iterable[Document]) -> dict[PlayerId, MemberId]:
    """Return the members of proven links, by player."""
    return {PlayerId(one["player_id"]): MemberId(one["member_id"]) for one in documents}
