"""The posts about events of the world: one of each event that is news."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from utils.models.missions import get_mission
from utils.models.notices.world import WorldEventNotice
from utils.models.scope import ServerScope
from utils.models.world_events import EventEnd, WorldEvent, WorldEventKind
from utils.services.world.announcing import EventPost, compute_post_id


def build_event_notices(
    scope: ServerScope, server_name: str, posts: Sequence[EventPost]
) -> Sequence[WorldEventNotice]:
    """Return the notices of posts, in their order."""
    return [
        replace(build_event_notice(scope, server_name, post.event), role_id=post.role_id) for post in posts
    ]


def build_event_notice(scope: ServerScope, server_name: str, event: WorldEvent) -> WorldEventNotice:
    """Return the notice of an event as it is now; every notice of an event has the same ``event_id``."""
    mission = get_mission(event.key.event_id) if event.kind is WorldEventKind.MISSION else None
    down = None
    if event.down_since is not None and event.ended_at is not None:
        down = int((event.ended_at - event.down_since).total_seconds())
    return WorldEventNotice(
        event_id=compute_post_id(scope, event.key),
        server_name=server_name,
        at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.key.cycle),
        kind=event.kind,
        name="" if mission is None else mission.name,
        level=None if mission is None else mission.level,
        state=event.state,
        since=event.seen_at if event.end is EventEnd.UNHEARD else event.since,
        end=event.end,
        respawn_at=event.respawn_at,
        down_seconds=down,
    )
