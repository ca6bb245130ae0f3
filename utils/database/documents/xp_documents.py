"""How the times of more XP and the levels of members are stored."""

from collections.abc import Mapping
from typing import Any

from utils.database.documents.codec import Codec
from utils.models.levels import KnownLevel
from utils.models.xp import XpEvent, XpEvents

XP_EVENT = Codec(XpEvent)
XP_EVENTS_FIELD = "xp_events"
KNOWN_LEVEL = Codec(KnownLevel)


def read_xp_events(guild: Mapping[str, Any] | None) -> XpEvents:
    """Return the times of more XP of a guild's document, in the order in which they began."""
    return tuple(map(XP_EVENT.read, (guild or {}).get(XP_EVENTS_FIELD, ())))
