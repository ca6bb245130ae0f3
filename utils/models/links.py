"""Links between players of the game and members of a guild, and their proof."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.factions import EndedMembership
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId
from utils.models.texts import Command, Mention, Text, text


class LinkState(StrEnum):
    """Whether a link counts: with a pending link a member earns, places and claims nothing.

    ``OVER`` is a request that was decided against; it is stored only until its message shows that.
    """

    PENDING = "pending"
    PROVEN = "proven"
    OVER = "over"


class ProofOutcome(StrEnum):
    """The outcome for the message that named the times of a proof."""

    PROVEN = "proven"
    TAKEN = "taken"
    UNCLEAR = "unclear"
    EXPIRED = "expired"
    ENDED = "ended"
    REPLACED = "replaced"
    REFUSED = "refused"

    @property
    def is_told(self) -> bool:
        """Tell whether the member does not know it yet; what they did themself they know."""
        return self not in (ProofOutcome.ENDED, ProofOutcome.REPLACED)


@dataclass(frozen=True, slots=True)
class ProofWindow:
    """A span of time (UTC, both ends included) in which the player must give a sign once."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Tell whether a moment is in it."""
        return self.starts_at <= at <= self.ends_at


@dataclass(frozen=True, slots=True)
class ProofAttempts:
    """The requests for a player since its last proof, by all members.

    Attributes:
        count: the number of requests.
        open_until: when the first ones end; until then more may be made.
        free_at: when the next request may be made after that.
    """

    count: int
    open_until: datetime
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A member of a guild and a player of its game servers.

    Attributes:
        player_name: the player's name when the link was asked for.
        linked_at: the time of the request, in whole milliseconds; tells one request from the next.
        is_main: the member's first proven link; the others are alts. Never true while pending.
        proven_at: None while pending.
        windows: the times of its proof; empty if it needs no proof.
        channel_id: the channel of the message that shows the state of the proof, if there is one.
        is_confirmed: an admin confirmed the link, so no proof was needed.
        outcome: how a request ended that is over; None for every other link.
        counts_leaving: the message says that leaving the game server is a sign as well.
        untold: the number of the request among those for its player, until the admins are told of it; 0: they
            are told, or need not be.
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
    outcome: ProofOutcome | None = None
    untold: int = 0
    counts_leaving: bool = False

    @property
    def is_proven(self) -> bool:
        """Tell whether the link counts."""
        return self.state is LinkState.PROVEN

    @property
    def is_pending(self) -> bool:
        """Tell whether the link waits for its proof."""
        return self.state is LinkState.PENDING

    @property
    def ends_at(self) -> datetime:
        """The end of its last window; without windows the time of the request."""
        return self.windows[-1].ends_at if self.windows else self.linked_at


@dataclass(frozen=True, slots=True)
class RemovedLinks:
    """Links that were removed together.

    Attributes:
        membership: how the member's time in a faction ended with their last proven link.
    """

    links: tuple[Link, ...]
    membership: EndedMembership | None = None


def describe_unlinked(member_id: MemberId) -> Text:
    """Return the sentence about another member without a player, with the next step."""
    return text(
        "{member} hasn't linked a player yet. They can do it with {link}.",
        member=Mention("@", member_id),
        link=Command("link"),
    )
