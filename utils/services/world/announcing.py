"""Decides, at the end of each read, which starts of events are posted and who is mentioned; no I/O.

A start is decided once: afterwards it is not due any more, whether it was posted or not. So an event that was
silent, because it was read late or switched off, gets no post later, and its end is silent as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from utils.models.missions import get_mission
from utils.models.world_events import WorldEvent, WorldEventKind, WorldState

MAX_AGE = timedelta(minutes=10)
"""Posts about the world spoil, so a later read is silent, even if the bot posts older deaths."""

SILENT_AT_FIRST = frozenset({WorldEventKind.CONVOY})
"""Nobody but one has ever seen a line about a convoy."""

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 4


@dataclass(frozen=True, slots=True)
class EventMention:
    """The role that is mentioned for a kind of events.

    Attributes:
        level: missions below it mention nobody.
        cooldown: the least time between two mentions of the kind.
    """

    role_id: int
    level: int = HIGHEST_LEVEL
    cooldown: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules:
    """The wishes of a community about the events of a game server.

    Attributes:
        silenced: the kinds that are not posted.
        min_level: missions whose hardest variant is below it are not posted.
        muted: folded ids of missions that are not posted.
    """

    silenced: frozenset[WorldEventKind] = SILENT_AT_FIRST
    min_level: int = 3
    muted: frozenset[str] = frozenset()
    mentions: Mapping[WorldEventKind, EventMention] = field(default_factory=dict)

    def wants(self, event: WorldEvent) -> bool:
        """Tell whether an event is posted."""
        return (
            event.kind not in self.silenced
            and event.key.event_id not in self.muted
            and find_level(event) >= self.min_level
        )


@dataclass(frozen=True, slots=True)
class EventPost:
    """An event that is posted, and the role that its post mentions."""

    event: WorldEvent
    role_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldNews:
    """The posts that follow a read, in the order of the log, and the state with which they agree."""

    state: WorldState
    posts: tuple[EventPost, ...] = ()
    mentioned_at: Mapping[WorldEventKind, datetime] = field(default_factory=dict)


def find_level(event: WorldEvent) -> int:
    """Return the level of an event: of a mission that of its hardest variant, of another kind the highest.

    A mission that an update of the game brought has the lowest: nobody knows its level.
    """
    if event.kind is not WorldEventKind.MISSION:
        return HIGHEST_LEVEL
    return get_mission(event.key.event_id).level or LOWEST_LEVEL


def choose_posts(
    state: WorldState,
    *,
    is_silent: bool,
    rules: EventRules,
    is_late: bool = False,
    mentioned_at: Mapping[WorldEventKind, datetime] | None = None,
) -> WorldNews:
    """Return what is posted about a state at the end of a read.

    Args:
        state: the state.
        is_silent: nothing of this read is news but the restart with which it began.
        rules: what the community wants to see.
        is_late: nothing at all of this read is news.
        mentioned_at: the stamp of the last start of each kind that mentioned a role.
    """
    due = sorted(
        (*state.due, *(one for one in state.open.values() if one.is_due)), key=lambda one: one.key.cycle
    )
    decided = replace(
        state,
        due=(),
        open={place: replace(one, is_due=False) if one.is_due else one for place, one in state.open.items()},
    )
    mentioned, posts = dict(mentioned_at or {}), []
    for event in due if not is_late else ():
        if rules.wants(event) and not (is_silent and event.kind is not WorldEventKind.RESTART):
            role_id = _choose_role(event, rules, mentioned)
            posts.append(EventPost(replace(event, is_due=False), role_id))
    return WorldNews(state=decided, posts=tuple(posts), mentioned_at=mentioned)


def _choose_role(
    event: WorldEvent, rules: EventRules, mentioned_at: dict[WorldEventKind, datetime]
) -> int | None:
    """Return the role that a post mentions, and note when: at most one post of a kind in its cooldown."""
    mention = rules.mentions.get(event.kind)
    if mention is None or find_level(event) < mention.level:
        return None
    last = mentioned_at.get(event.kind)
    if last is not None and event.since < last + mention.cooldown:
        return None
    mentioned_at[event.kind] = event.since
    return mention.role_id
