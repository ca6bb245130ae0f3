"""What happens to bounties, as the bounties channel tells of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.scope import MemberId


class BountyEvent(StrEnum):
    """What can be told of a bounty; ``auto`` is one that the house put up."""

    PLACED = "placed"
    AUTO = "auto"
    CLAIMED = "claimed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class BountyNotice(Notice):
    """The facts of something that happened to the bounties on a player.

    Attributes:
        amount: emeralds; a claim's is the sum of all bounties it took.
        count: how many bounties it is about.
        placer_id: who placed it; None for the house, and for a claim.
        ends_at: when a placed bounty ends.
        claimer_id: the member who is paid, and ``claimer_name`` the player who made the kill.
        kills: how many victims made the house put it up.
    """

    event: BountyEvent
    target_name: str
    amount: int
    count: int = 1
    placer_id: MemberId | None = None
    ends_at: datetime | None = None
    claimer_id: MemberId | None = None
    claimer_name: str = ""
    kills: int = 0

    @property
    def variant(self) -> BountyEvent:
        """What happened to the bounty."""
        return self.event
