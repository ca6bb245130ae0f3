"""Invented events and players, for the samples of ``/events test``."""

from dataclasses import replace
from datetime import datetime

from utils.embeds.notices.visits import build_sample_visits
from utils.embeds.notices.world import build_sample_events
from utils.embeds.style import Style
from utils.models.event_settings import OF_PLAYERS, PostedKind
from utils.models.notices.notice import Notice
from utils.models.world_events import WorldEventKind


def build_sample(
    style: Style, kind: PostedKind, *, event_id: bytes, server_name: str, at: datetime
) -> Notice:
    """Return an invented notice of a kind of posts."""
    if kind in OF_PLAYERS:
        joined, left = build_sample_visits(style, event_id=event_id, server_name=server_name, at=at)
        return joined if kind is PostedKind.JOIN else left
    (mission,) = build_sample_events(style, event_id=event_id, server_name=server_name, at=at)
    if kind is PostedKind.MISSION:
        return mission
    state = "FLYING" if kind is PostedKind.AIRDROP else "READY"
    return replace(mission, kind=WorldEventKind(kind.value), name="", level=None, state=state)
