"""A guild's settings: channels by kind, the admin role, what is decided about bounties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from utils.models.declared_settings import setting
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
    """Settings of one guild, each declared here alone (``declared_settings``).

    Attributes:
        channels: the guild's own; a server's own go before them.
        admin_role_id: whose members may administer the bot; None for nobody but managers.
    """

    guild_id: GuildId
    channels: Mapping[ChannelKind, ChannelId] = setting(factory=dict)
    admin_role_id: int | None = setting(None)
    bounties: BountySettings = field(default_factory=BountySettings)
