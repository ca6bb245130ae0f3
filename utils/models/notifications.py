"""Direct messages that members asked for: their choices, and the messages to be sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.factions import Faction
from utils.models.lasting_buttons import ButtonKind
from utils.models.levels import LevelChange
from utils.models.money import Bounty
from utils.models.roles import GrantState, RoleGrant
from utils.models.scope import ChannelId, MemberId, PlayerId
from utils.models.texts import Text, text

PAUSE = timedelta(minutes=10)
"""The least time between two messages to a member; everything in between becomes one message."""

DAY = timedelta(days=1)
MOST_A_DAY = 10
KEPT_FOR = timedelta(hours=1)
"""After this time it is too old to be told."""


NOTIFY = ButtonKind("notify")
"""The button that shows a member what they asked to be told."""


class Topic(StrEnum):
    """The things that a member can ask for."""

    BOUNTY = "bounty"
    CLAIMED = "claimed"
    LEVEL = "level"
    ROLE = "role"
    FACTION = "faction"


TOPIC_CHOICES: Mapping[Topic, Text] = {
    Topic.BOUNTY: text("A bounty on one of my players"),
    Topic.CLAIMED: text("My bounties, claimed or paid back"),
    Topic.LEVEL: text("A new level"),
    Topic.ROLE: text("A role that a rule gives or takes"),
    Topic.FACTION: text("Faction invitation, kick or lead"),
}


class DirectEvent(StrEnum):
    """The event that a message tells.

    ``auto``: the house placed the bounty. ``given`` and ``taken`` are about a role, and the last four about
    a faction. ``kicked``: they are no member any more, by somebody else's hand; ``led``: they lost the lead.
    """

    PLACED = "placed"
    AUTO = "auto"
    CLAIMED = "claimed"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    LEVEL = "level"
    GIVEN = "given"
    TAKEN = "taken"
    INVITED = "invited"
    KICKED = "kicked"
    LEADS = "leads"
    LED = "led"


TOPICS: Mapping[DirectEvent, Topic] = {
    DirectEvent.PLACED: Topic.BOUNTY,
    DirectEvent.AUTO: Topic.BOUNTY,
    DirectEvent.CLAIMED: Topic.CLAIMED,
    DirectEvent.EXPIRED: Topic.CLAIMED,
    DirectEvent.REFUNDED: Topic.CLAIMED,
    DirectEvent.LEVEL: Topic.LEVEL,
    DirectEvent.GIVEN: Topic.ROLE,
    DirectEvent.TAKEN: Topic.ROLE,
    DirectEvent.INVITED: Topic.FACTION,
    DirectEvent.KICKED: Topic.FACTION,
    DirectEvent.LEADS: Topic.FACTION,
    DirectEvent.LED: Topic.FACTION,
}


class DirectProblem(StrEnum):
    """Why all messages to a member were switched off."""

    CLOSED = "closed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Notifications:
    """The choices of a member of a guild about direct messages.

    Attributes:
        locale: the language of Discord's client when they asked for it last.
        problem: why nothing is sent any more.
        channel_id: the channel of direct messages, once it was opened.
        sent_at: when the last messages were sent, at most ``MOST_A_DAY``, oldest first (UTC).
    """

    member_id: MemberId
    topics: frozenset[Topic] = frozenset()
    locale: str = ""
    problem: DirectProblem | None = None
    channel_id: ChannelId | None = None
    sent_at: tuple[datetime, ...] = ()

    def switch(self, topics: Iterable[Topic], *, is_on: bool, locale: str) -> "Notifications":
        """Return the choices with some topics switched on or off."""
        changed = self.topics.union(topics) if is_on else self.topics.difference(topics)
        return replace(self, topics=changed, locale=locale, problem=None if is_on else self.problem)

    @property
    def free_at(self) -> datetime | None:
        """From when on one more message may be sent; None: at any time."""
        if not self.sent_at:
            return None
        after_pause = self.sent_at[-1] + PAUSE
        return max(after_pause, self.sent_at[0] + DAY) if len(self.sent_at) == MOST_A_DAY else after_pause

    def is_free(self, now: datetime) -> bool:
        """Tell whether one more message may be sent now."""
        return self.free_at is None or now >= self.free_at

    def note_sent(self, now: datetime) -> "Notifications":
        """Return the choices after one more message."""
        return replace(self, sent_at=(*self.sent_at, now)[-MOST_A_DAY:])


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectMessage:
    """Something to tell a member who asked for it.

    Attributes:
        key: the matter; of one matter a member is told once.
        created_at: when it happened, UTC.
        amount: emeralds.
        ends_at: when a bounty or an invitation ends, UTC.
        role_name: the name of a role, because mentions of roles do not work in direct messages.
        nonce: of the message that tells this alone, or this first.
        joined: the nonce of the message that it is part of; empty until that message is prepared.
        prepared_at: when that message was about to be sent for the first time.
        locale: the language of that message, which every retry keeps.
    """

    member_id: MemberId
    key: str
    event: DirectEvent
    created_at: datetime
    server_name: str = ""
    player_id: PlayerId | None = None
    player_name: str = ""
    amount: int = 0
    ends_at: datetime | None = None
    claimer_player_id: PlayerId | None = None
    claimer_name: str = ""
    level: int = 0
    role_name: str = ""
    faction_name: str = ""
    nonce: str = ""
    joined: str = ""
    prepared_at: datetime | None = None
    locale: str = ""


def tell_target(bounty: Bounty, member_id: MemberId | None, server_name: str) -> Sequence[DirectMessage]:
    """Return the message to the member with the player that a new bounty is on, if there is such a member."""
    if member_id is None:
        return ()
    event = DirectEvent.AUTO if bounty.placer_id is None else DirectEvent.PLACED
    told = _build(bounty, member_id, event, server_name, at=bounty.placed_at)
    return (replace(told, ends_at=bounty.expires_at),)


def tell_placer(
    bounty: Bounty,
    event: DirectEvent,
    *,
    at: datetime,
    server_name: str = "",
    claimer_player_id: PlayerId | None = None,
    claimer_name: str = "",
) -> Sequence[DirectMessage]:
    """Return the message to the member who placed a bounty that has ended; the house is not told."""
    if bounty.placer_id is None:
        return ()
    told = _build(bounty, bounty.placer_id, event, server_name, at=at)
    return (replace(told, claimer_player_id=claimer_player_id, claimer_name=claimer_name),)


def tell_level(change: LevelChange, *, at: datetime) -> Sequence[DirectMessage]:
    """Return the message to a member who has just reached a level."""
    if change.reached is None:
        return ()
    told = DirectMessage(
        member_id=change.member_id,
        key=f"{DirectEvent.LEVEL}:{at.isoformat()}",
        event=DirectEvent.LEVEL,
        created_at=at,
        level=change.reached,
    )
    return (told,)


def tell_role(grant: RoleGrant, role_name: str) -> Sequence[DirectMessage]:
    """Return the message to a member to whom a rule has just given a role, or from whom it took one."""
    event = DirectEvent.GIVEN if grant.state is GrantState.GIVEN else DirectEvent.TAKEN
    told = DirectMessage(
        member_id=grant.member_id,
        key=f"{event}:{grant.role_id}:{grant.changed_at.isoformat()}",
        event=event,
        created_at=grant.changed_at,
        role_name=role_name,
    )
    return (told,)


def tell_faction(
    faction: Faction,
    member_id: MemberId,
    event: DirectEvent,
    *,
    at: datetime,
    ends_at: datetime | None = None,
) -> Sequence[DirectMessage]:
    """Return the message to a member about them and a faction; ``ends_at``: of an invitation."""
    told = DirectMessage(
        member_id=member_id,
        key=f"{event}:{faction.faction_id}:{at.isoformat()}",
        event=event,
        created_at=at,
        ends_at=ends_at,
        faction_name=faction.name,
    )
    return (told,)


def _build(
    bounty: Bounty, member_id: MemberId, event: DirectEvent, server_name: str, *, at: datetime
) -> DirectMessage:
    return DirectMessage(
        member_id=member_id,
        key=f"{event}:{bounty.bounty_id}",
        event=event,
        created_at=at,
        server_name=server_name,
        player_id=bounty.player_id,
        player_name=bounty.player_name,
        amount=bounty.amount,
    )
