"""A guild's settings: channels by kind, the admin role, what is decided about bounties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from utils.models.money import BountySettings
from utils.models.scope import ChannelId, GuildId


class ChannelKind(StrEnum):
    """What a channel is used for; a kind never falls back to another kind."""

    KILLFEED = "killfeed"
    EVENTS = "events"
    CONNECTIONS = "connections"
    BOUNTIES = "bounties"
    LEADERBOARD = "leaderboard"
    COUNTER = "counter"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """Settings of one guild; ``channels`` are the guild's own, a server's own go before them."""

    guild_id: GuildId
    channels: Mapping[ChannelKind, ChannelId] = field(default_factory=dict)
    admin_role_id: int | None = None
    bounties: BountySettings = field(default_factory=BountySettings)
