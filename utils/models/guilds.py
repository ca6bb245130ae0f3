"""A guild's settings: channels by kind, the admin role, language and time zone, bounties, events, recaps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from utils.models.declared_settings import setting
from utils.models.event_settings import EventSettings
from utils.models.money import BountySettings
from utils.models.post_styles import NEW_STYLE, ChannelStyle, find_style_problem
from utils.models.recaps import RecapSettings
from utils.models.scope import ChannelId, GuildId
from utils.models.texts import Text, text_in


class ChannelKind(StrEnum):
    """The uses of a channel; a kind never falls back to another kind."""

    KILLFEED = "killfeed"
    EVENTS = "events"
    CONNECTIONS = "connections"
    BOUNTIES = "bounties"
    NEWS = "news"
    LEADERBOARD = "leaderboard"
    COUNTER = "counter"
    ALERTS = "alerts"


OFFERED_KINDS = (
    ChannelKind.KILLFEED,
    ChannelKind.EVENTS,
    ChannelKind.CONNECTIONS,
    ChannelKind.BOUNTIES,
    ChannelKind.NEWS,
    ChannelKind.LEADERBOARD,
    ChannelKind.ALERTS,
)
"""The kinds of channels that something is posted in; a counter shows something by its name instead."""

OF_WHOLE_GUILDS = frozenset({ChannelKind.NEWS})
"""The kinds of channels that a guild has, and no game server of its own."""

CHANNEL_KIND_NAMES: Mapping[ChannelKind, Text] = {
    ChannelKind.KILLFEED: text_in("a kind of channel", "killfeed"),
    ChannelKind.EVENTS: text_in("a kind of channel", "events"),
    ChannelKind.CONNECTIONS: text_in("a kind of channel", "connections"),
    ChannelKind.BOUNTIES: text_in("a kind of channel", "bounties"),
    ChannelKind.NEWS: text_in("a kind of channel", "news"),
    ChannelKind.LEADERBOARD: text_in("a kind of channel", "leaderboard"),
    ChannelKind.COUNTER: text_in("a kind of channel", "counter"),
    ChannelKind.ALERTS: text_in("a kind of channel", "alerts"),
}
"""The names of the kinds for people."""


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """Settings of one guild, each declared here alone (``declared_settings``).

    Attributes:
        channels: the guild's channels; a server's own channels go before them.
        styles: the styles of channels in which kills are posted, those with a choice alone.
        admin_role_id: the role whose members may administer the bot; None: only managers may.
        language: a code of ``LANGUAGE_NAMES``; None: the one of Discord's settings.
        timezone: the name of the zone by whose clock recaps come.
    """

    guild_id: GuildId
    channels: Mapping[ChannelKind, ChannelId] = setting(factory=dict)
    styles: Mapping[ChannelId, ChannelStyle] = setting(factory=dict, check=find_style_problem)
    admin_role_id: int | None = setting(None)
    language: str | None = setting(None)
    timezone: str = setting("UTC")
    bounties: BountySettings = field(default_factory=BountySettings)
    events: EventSettings = field(default_factory=EventSettings)
    recap: RecapSettings = field(default_factory=RecapSettings)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    def get_style(self, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of a channel."""
        return self.styles.get(channel_id, NEW_STYLE)
