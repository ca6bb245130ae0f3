"""Notices of the bounties channel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.scope import MemberId


class BountyEvent(StrEnum):
    """The events of a bounty; ``auto``: the house placed it."""

    PLACED = "placed"
    AUTO = "auto"
    CLAIMED = "claimed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class BountyNotice(Notice):
    """The facts of an event of the bounties on a player.

    Attributes:
        amount: emeralds; for a claim the sum of its bounties.
        count: the number of bounties.
        placer_id: the member who placed it; None for the house, and for a claim.
        ends_at: when a placed bounty ends.
        claimer_id: the member who is paid; ``claimer_name`` is the player who made the kill.
        kills: the number of victims for which the house placed it.
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
        """The event of the bounty."""
        return self.event
