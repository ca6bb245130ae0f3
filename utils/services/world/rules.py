"""The rules of posts about the world and about players that follow from the settings of a game server."""

from collections.abc import Collection
from datetime import timedelta

from utils.models.event_settings import USUAL, KindSettings, PostedKind, ServerEventSettings
from utils.models.world_events import WorldEventKind
from utils.services.presence.announcing import USUAL_RULES, VisitRules
from utils.services.world.announcing import EventMention, EventRules


def build_event_rules(settings: ServerEventSettings, heard: Collection[WorldEventKind]) -> EventRules:
    """Return the rules of posts about the world; ``heard`` are the kinds of which the log told before."""
    kinds = {kind: PostedKind(kind.value) for kind in WorldEventKind}
    mentions = {kind: build_mention(settings.get(posted)) for kind, posted in kinds.items()}
    return EventRules(
        silenced=frozenset(kind for kind, posted in kinds.items() if not settings.is_on(posted, heard)),
        min_level=settings.get(PostedKind.MISSION).over(USUAL).min_level or 0,
        muted=settings.muted,
        mentions={kind: mention for kind, mention in mentions.items() if mention is not None},
    )


def build_visit_rules(settings: ServerEventSettings) -> VisitRules:
    """Return the rules of posts about players."""
    hold = settings.get(PostedKind.LEAVE).hold_seconds
    return VisitRules(
        shows_joins=settings.is_on(PostedKind.JOIN, ()),
        shows_leaves=settings.is_on(PostedKind.LEAVE, ()),
        hold=USUAL_RULES.hold if hold is None else timedelta(seconds=hold),
    )


def build_mention(chosen: KindSettings) -> EventMention | None:
    """Return who is mentioned for a kind, and how often; None if nobody is."""
    if chosen.role_id is None:
        return None
    holds = chosen.over(USUAL)
    return EventMention(
        chosen.role_id,
        level=holds.mention_level or 0,
        cooldown=timedelta(minutes=holds.cooldown_minutes or 0),
    )
