"""Premium: the one table of tiers. It belongs to guilds, never to members."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Tier:
    """A premium tier: how many game servers, and how often each is read (seconds)."""

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
    """What a tier can open."""

    KILLFEED = "killfeed"
    STATS = "stats"
    LEADERBOARD = "leaderboard"
    COMPARE = "compare"
    WEAPONS = "weapons"
    RIVALS = "rivals"
    ACTIVITY = "activity"
    POSTED_BOARDS = "admin board"


REQUIRED_TIER = {
    Feature.KILLFEED: 0,
    Feature.STATS: 0,
    Feature.LEADERBOARD: 1,
    Feature.COMPARE: 1,
    Feature.WEAPONS: 1,
    Feature.ACTIVITY: 1,
    Feature.RIVALS: 2,
    Feature.POSTED_BOARDS: 3,
}


def compute_poll_seconds(tier: Tier, *, minimum_seconds: float) -> float:
    """Return the poll interval of a guild's servers; a configured minimum under 5 s rules alone."""
    return minimum_seconds if minimum_seconds < 5 else max(minimum_seconds, tier.poll_seconds)
