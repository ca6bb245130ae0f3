"""Decides, at the end of each read, which starts of events are posted and who is mentioned; no I/O.

A start is decided once: afterwards it is not due any more, whether it was posted or not. So an event that was
silent, because it was read late or switched off, gets no post later, and its end is silent as well. An event
that was posted has a ``post_id``; when it changes visibly, its post is *outdated* until delivery edits it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from utils.models.event_settings import HIGHEST_LEVEL, LOWEST_LEVEL, SILENT_AT_FIRST
from utils.models.missions import get_mission
from utils.models.notices.notice import compute_event_id
from utils.models.scope import ServerScope
from utils.models.world_events import EventKey, WorldEvent, WorldEventKind, WorldState

MAX_AGE = timedelta(minutes=10)
"""Posts about the world spoil, so a later read is silent, even if the bot posts older deaths."""

_SILENT_AT_FIRST = frozenset(WorldEventKind(kind.value) for kind in SILENT_AT_FIRST)


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

    silenced: frozenset[WorldEventKind] = _SILENT_AT_FIRST
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
    """The posts that follow a read, in the order of the log, and the state with which they agree.

    Attributes:
        decided: the events about which was decided, as they are from now on.
    """

    state: WorldState
    posts: tuple[EventPost, ...] = ()
    decided: Mapping[EventKey, WorldEvent] = field(default_factory=dict)


def find_level(event: WorldEvent) -> int:
    """Return the level of an event: of a mission that of its hardest variant, of another kind the highest.

    A mission that an update of the game brought has the lowest: nobody knows its level.
    """
    if event.kind is not WorldEventKind.MISSION:
        return HIGHEST_LEVEL
    return get_mission(event.key.event_id).level or LOWEST_LEVEL


def choose_posts(
    scope: ServerScope, state: WorldState, *, is_silent: bool, rules: EventRules, is_late: bool = False
) -> WorldNews:
    """Return what is posted about a state at the end of a read.

    Args:
        scope: the game server.
        state: the state.
        is_silent: nothing of this read is news but the restart with which it began.
        rules: what the community wants to see.
        is_late: nothing at all of this read is news, or there is no channel for it.
    """
    due = sorted(
        (*state.due, *(one for one in state.open.values() if one.is_due)), key=lambda one: one.key.cycle
    )
    mentioned, posts, decided = dict(state.mentioned_at), [], {}
    for event in due:
        is_silent_one = is_late or (is_silent and event.kind is not WorldEventKind.RESTART)
        decided[event.key] = replace(event, is_due=False)
        if not is_silent_one and rules.wants(event):
            posted = replace(event, is_due=False, post_id=compute_post_id(scope, event.key))
            decided[event.key] = posted
            posts.append(EventPost(posted, _choose_role(event, rules, mentioned)))
    still = {place: decided.get(one.key, one) for place, one in state.open.items()}
    after = replace(state, due=(), open=still, mentioned_at=mentioned)
    return WorldNews(state=after, posts=tuple(posts), decided=decided)


def compute_post_id(scope: ServerScope, key: EventKey) -> bytes:
    """Return the id of the post about an event."""
    matter = f"{scope};{key.kind};{key.event_id};{key.cycle}"
    return compute_event_id(matter)


def list_outdated(before: WorldState, changed: Mapping[EventKey, WorldEvent]) -> frozenset[EventKey]:
    """Return the events whose posts do not show any more what is known of them.

    Args:
        before: the state before the lines that changed them.
        changed: their newest forms.
    """
    old = {one.key: _list_shown(one) for one in (*before.open.values(), *before.due)}
    posted = [one for one in changed.values() if one.post_id is not None]
    return frozenset(one.key for one in posted if old.get(one.key) != _list_shown(one))


def _list_shown(event: WorldEvent) -> tuple[object, ...]:
    return event.state, event.since, event.end, event.respawn_at


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
