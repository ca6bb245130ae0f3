"""Documents of premium: a guild's grant and its history, both kept with the guild's settings."""

from typing import Any

from utils.models.premium import Grant, PremiumAction, PremiumEvent, PremiumRecord
from utils.models.scope import GuildId, MemberId

Document = dict[str, Any]


def build_grant_document(grant: Grant) -> Document:
    """Return the document of a grant."""
    return {
        "tier": grant.tier,
        "granted_at": grant.granted_at,
        "granted_by": int(grant.granted_by),
        "ends_at": grant.ends_at,
    }


def build_premium_event_document(event: PremiumEvent) -> Document:
    """Return the document of a line of the history."""
    return {
        "at": event.at,
        "action": event.action.value,
        "tier": event.tier,
        "ends_at": event.ends_at,
        "by": None if event.by is None else int(event.by),
        "reason": event.reason,
    }


def read_premium(guild_id: GuildId, document: Document) -> PremiumRecord:
    """Return the premium of a guild's document."""
    grant = document.get("premium")
    history = tuple(_read_event(event) for event in document.get("premium_history", ()))
    return PremiumRecord(guild_id, _read_grant(grant) if grant else None, history)


def _read_grant(document: Document) -> Grant:
    return Grant(
        tier=document["tier"],
        granted_at=document["granted_at"],
        granted_by=MemberId(document["granted_by"]),
        ends_at=document["ends_at"],
    )


def _read_event(document: Document) -> PremiumEvent:
    return PremiumEvent(
        at=document["at"],
        action=PremiumAction(document["action"]),
        tier=document["tier"],
        ends_at=document["ends_at"],
        by=None if document["by"] is None else MemberId(document["by"]),
        reason=document["reason"],
    )
