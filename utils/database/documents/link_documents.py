"""How links are stored."""

from collections.abc import Iterable
from typing import Any

from utils.models.links import Link, LinkState, ProofAttempts, ProofWindow
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId

Document = dict[str, Any]


def build_link_document(link: Link) -> Document:
    """Return a link as it is stored; ``is_open`` is there while it waits for its proof or its last word."""
    document: Document = {
        "member_id": int(link.member_id),
        "player_id": link.player_id,
        "player_name": link.player_name,
        "state": link.state.value,
        "is_main": link.is_main,
        "linked_at": link.linked_at,
        "proven_at": link.proven_at,
        "windows": [{"starts_at": one.starts_at, "ends_at": one.ends_at} for one in link.windows],
        "channel_id": None if link.channel_id is None else int(link.channel_id),
        "message_id": link.message_id,
        "is_confirmed": link.is_confirmed,
    }
    return document if link.is_proven else {**document, "is_open": True}


def build_proven_query(player_ids: Iterable[PlayerId]) -> Document:
    """Return what fits the proven links of players."""
    return {"player_id": {"$in": sorted(player_ids)}, "state": LinkState.PROVEN.value}


def read_proven(documents: Iterable[Document]) -> dict[PlayerId, MemberId]:
    """Return whose players these are, by proven links."""
    return {PlayerId(one["player_id"]): MemberId(one["member_id"]) for one in documents}


def read_link(document: Document) -> Link:
    """Return the link of a stored document."""
    channel_id = document.get("channel_id")
    windows = document.get("windows", ())
    return Link(
        guild_id=GuildId(document["guild_id"]),
        member_id=MemberId(document["member_id"]),
        player_id=PlayerId(document["player_id"]),
        player_name=document["player_name"],
        linked_at=document["linked_at"],
        state=LinkState(document["state"]),
        is_main=document["is_main"],
        proven_at=document.get("proven_at"),
        windows=tuple(ProofWindow(one["starts_at"], one["ends_at"]) for one in windows),
        channel_id=None if channel_id is None else ChannelId(channel_id),
        message_id=document.get("message_id"),
        is_confirmed=document.get("is_confirmed", False),
    )


def build_attempts_document(attempts: ProofAttempts) -> Document:
    """Return what is stored of the requests for a player."""
    return {"count": attempts.count, "open_until": attempts.open_until, "free_at": attempts.free_at}


def read_attempts(document: Document) -> ProofAttempts:
    """Return the requests of a stored document."""
    return ProofAttempts(document["count"], document["open_until"], document["free_at"])
