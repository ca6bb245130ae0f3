"""Premium: the table of tiers, and the grants of guilds. Premium belongs to guilds, never to members."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Text, text_in


@dataclass(frozen=True, slots=True)
class Tier:
    """A premium tier: the number of game servers, and the seconds between two polls of each."""

    level: int
    name: str
    servers: int
    poll_seconds: float


TIERS = (
    Tier(0, "Scavenger", 1, 30),
    Tier(1, "Survivor", 2, 15),
    Tier(2, "Mercenary", 5, 10),
    Tier(3, "Warlord", 10, 5),
    Tier(4, "Overseer", 25, 5),
)


class Feature(StrEnum):
    """The features that a tier can unlock."""

    KILLFEED = "killfeed"
    STATS = "stats"
    LEADERBOARD = "leaderboard"
    LINKS = "links"
    BOUNTIES = "bounty"
    WALLET = "wallet"
    COMPARE = "compare"
    SERVERS = "servers"
    RECAPS = "admin recap"
    WEAPONS = "weapons"
    RIVALS = "rivals"
    ACTIVITY = "activity"
    POSTED_BOARDS = "admin board"
    SERVER_STATUS = "server status"
    ONLINE = "server online"
    PLAYTIME = "playtime"
    POPULATION = "server population"
    EVENTS = "server events"
    COUNTERS = "admin counter"
    RESTARTS = "admin server restarts"
    LEVELS = "rank"
    ROLES = "roles add"
    SEASON = "season"
    FACTIONS = "faction"


FEATURES: Mapping[int, Mapping[Feature, tuple[Text, ...]]] = {
    0: {
        Feature.KILLFEED: (text_in("a feature", "killfeed"), text_in("a feature", "history import")),
        Feature.STATS: (text_in("a feature", "stats"),),
        Feature.LINKS: (text_in("a feature", "links"),),
        Feature.SERVER_STATUS: (text_in("a feature", "server status"),),
    },
    1: {
        Feature.LEADERBOARD: (text_in("a feature", "leaderboards"),),
        Feature.COMPARE: (text_in("a feature", "compare"),),
        Feature.SERVERS: (text_in("a feature", "server comparison"),),
        Feature.RECAPS: (text_in("a feature", "recaps"),),
        Feature.WEAPONS: (text_in("a feature", "weapons"),),
        Feature.ACTIVITY: (text_in("a feature", "activity"),),
        Feature.ONLINE: (text_in("a feature", "players online"), text_in("a feature", "joins and leaves")),
        Feature.PLAYTIME: (text_in("a feature", "playtime"),),
        Feature.POPULATION: (text_in("a feature", "players over time"),),
        Feature.EVENTS: (text_in("a feature", "missions and events"),),
        Feature.RESTARTS: (text_in("a feature", "restart warnings"),),
        Feature.LEVELS: (text_in("a feature", "XP and levels"),),
    },
    2: {
        Feature.RIVALS: (text_in("a feature", "rivals"),),
        Feature.BOUNTIES: (text_in("a feature", "bounties"),),
        Feature.WALLET: (text_in("a feature", "wallet"),),
        Feature.COUNTERS: (text_in("a feature", "counters"),),
        Feature.SEASON: (text_in("a feature", "seasons"),),
        Feature.FACTIONS: (text_in("a feature", "factions"),),
    },
    3: {
        Feature.POSTED_BOARDS: (text_in("a feature", "posted boards"),),
        Feature.ROLES: (text_in("a feature", "role rules"),),
    },
}
"""The features that open with each tier, and their names in the table of tiers."""

REQUIRED_TIER = {feature: level for level, features in FEATURES.items() for feature in features}

REQUIRED_CHANNEL_TIER: Mapping[ChannelKind, int] = {
    ChannelKind.KILLFEED: 0,
    ChannelKind.ALERTS: 0,
    ChannelKind.EVENTS: 1,
    ChannelKind.CONNECTIONS: 1,
    ChannelKind.NEWS: 1,
    ChannelKind.BOUNTIES: 2,
    ChannelKind.COUNTER: 2,
    ChannelKind.LEADERBOARD: 3,
}
"""The lowest tier for posts in each kind of channel; a channel that is set earlier waits."""


class PremiumAction(StrEnum):
    """The kinds of changes of a guild's premium."""

    GRANTED = "granted"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Grant:
    """A tier that somebody gave a guild; ``ends_at`` is None for one without an end."""

    tier: int
    granted_at: datetime
    granted_by: MemberId
    ends_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Tell whether its time is up."""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class PremiumEvent:
    """A line of a guild's premium history.

    Attributes:
        tier: the tier of the grant that was given, taken away or ended.
        ends_at: the end of that grant.
        by: the member who did it; None if the grant ended by itself.
        reason: the reason that the giver typed; None if the grant ended by itself.
    """

    at: datetime
    action: PremiumAction
    tier: int
    ends_at: datetime | None = None
    by: MemberId | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PremiumRecord:
    """The stored premium of a guild; the newest line of the history is the last."""

    guild_id: GuildId
    grant: Grant | None = None
    history: tuple[PremiumEvent, ...] = ()

    def find_grant(self, now: datetime) -> Grant | None:
        """Return the grant that is valid at this moment."""
        return None if self.grant is None or self.grant.is_over(now) else self.grant


@dataclass(frozen=True, slots=True)
class PremiumState:
    """The tier of a guild at a moment, and its end; ``is_granted`` is False for the default tier."""

    tier: Tier
    ends_at: datetime | None = None
    is_granted: bool = False


@dataclass(frozen=True, slots=True)
class GrantChange:
    """The result of a grant or its end.

    Attributes:
        paused: the names of all servers that are paused now.
        history: the newest line last.
    """

    old: PremiumState
    new: PremiumState
    paused: tuple[str, ...]
    history: tuple[PremiumEvent, ...]


@dataclass(frozen=True, slots=True)
class TierOffer:
    """A row of the table of tiers: how often servers are read, and the features that it adds."""

    tier: Tier
    poll_seconds: float
    opens: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class PremiumOverview:
    """A guild's premium as it is shown: its state, its game servers, and every tier.

    Attributes:
        servers: the names of all its game servers, oldest first.
        paused: the names of the servers over the limit.
    """

    state: PremiumState
    servers: tuple[str, ...]
    paused: tuple[str, ...]
    offers: tuple[TierOffer, ...]


def compute_poll_seconds(tier: Tier, *, minimum_seconds: float) -> float:
    """Return the poll interval of a guild's servers; a configured minimum under 5 s replaces it."""
    return minimum_seconds if minimum_seconds < 5 else max(minimum_seconds, tier.poll_seconds)


def list_offers(*, minimum_seconds: float) -> tuple[TierOffer, ...]:
    """Return the table of tiers with the features that exist, lowest tier first."""
    return tuple(
        TierOffer(
            tier,
            compute_poll_seconds(tier, minimum_seconds=minimum_seconds),
            tuple(word for words in FEATURES.get(tier.level, {}).values() for word in words),
        )
        for tier in TIERS
    )
