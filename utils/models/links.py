"""Links: which player of the game is which member of a guild, and how that is proven."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId


class LinkState(StrEnum):
    """Whether a link counts: a pending one earns, places and claims nothing."""

    PENDING = "pending"
    PROVEN = "proven"


class ProofOutcome(StrEnum):
    """What became of the message that named the times of a proof."""

    PROVEN = "proven"
    TAKEN = "taken"
    UNCLEAR = "unclear"
    EXPIRED = "expired"
    ENDED = "ended"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class ProofWindow:
    """A span of time (UTC, both ends included) when the player must end their life by the menu once."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return self.starts_at <= at <= self.ends_at


@dataclass(frozen=True, slots=True)
class ProofAttempts:
    """How often a player was asked for since it was proven last, by anybody.

    Attributes:
        count: requests.
        open_until: until when the first ones run; more may be made beside them.
        free_at: when one may ask again after that.
    """

    count: int
    open_until: datetime
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A member of a guild and a player of its game servers.

    Attributes:
        player_name: the player's name when the link was asked for.
        linked_at: when it was asked for, in whole milliseconds; tells one request from the next.
        is_main: the member's first proven link; the others are alts. Never true while pending.
        proven_at: None while pending.
        windows: the times of its proof; empty for one that needs none.
        channel_id: where the message stands that tells how the proof goes, if there is one.
        is_confirmed: an admin said so, and nothing had to be proven.
    """

    guild_id: GuildId
    member_id: MemberId
    player_id: PlayerId
    player_name: str
    linked_at: datetime
    state: LinkState = LinkState.PENDING
    is_main: bool = False
    proven_at: datetime | None = None
    windows: tuple[ProofWindow, ...] = ()
    channel_id: ChannelId | None = None
    message_id: int | None = None
    is_confirmed: bool = False

    @property
    def is_proven(self) -> bool:
        """Tell whether the link counts."""
        return self.state is LinkState.PROVEN

    @property
    def ends_at(self) -> datetime:
        """The end of its last window; without windows the moment it was asked for."""
        return self.windows[-1].ends_at if self.windows else self.linked_at
