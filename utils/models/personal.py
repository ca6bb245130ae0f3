"""Personal data: the person, a summary of their data, and the files of an export."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.players import NamedPlayer
from utils.models.scope import GuildId, MemberId, PlayerId


@dataclass(frozen=True, slots=True)
class DataQuestion:
    """The options of a request for personal data, as they were typed or chosen.

    Attributes:
        is_admin: the asker may ask for others.
    """

    guild_id: GuildId
    asker_id: MemberId
    is_admin: bool = False
    member_id: MemberId | None = None
    player: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person: a member with the players proven to be theirs, or one player alone.

    Attributes:
        member_id: None if the person is a player without a member.
        is_asker: the person is the one who asks.
    """

    guild_id: GuildId
    member_id: MemberId | None
    players: tuple[NamedPlayer, ...]
    is_asker: bool

    @property
    def player_ids(self) -> tuple[PlayerId, ...]:
        """The players, by id."""
        return tuple(player.player_id for player in self.players)


@dataclass(frozen=True, slots=True)
class Holdings:
    """A summary of a person's data, shown before it is erased.

    Attributes:
        balance: emeralds in the wallet.
        open_bounties: the open bounties that the member placed; the emeralds held for them are erased with
            the wallet.
        factions: the times in factions and the invitations to them.
        roles: the roles of role rules of which the bot remembers something.
        has_notifications: they asked for direct messages, or some wait for them.
        changes: the number of changes by hand, which stay.
    """

    links: int = 0
    balance: int = 0
    ledger_rows: int = 0
    open_bounties: int = 0
    closed_bounties: int = 0
    factions: int = 0
    roles: int = 0
    has_level: bool = False
    has_notifications: bool = False
    changes: int = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of the member could be erased."""
        figures = (self.balance, self.ledger_rows, self.open_bounties, self.closed_bounties)
        others = (self.roles, self.has_level, self.has_notifications)
        return not any((self.links, self.factions, *figures, *others))


class PersonKind(StrEnum):
    """Kinds of ids of persons."""

    MEMBER = "member"
    PLAYER = "player"


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """The record that somebody was erased; it tells nobody who, and a restore knows them by it.

    Attributes:
        digest: 16 bytes made of guild, kind and id under the secret key.
        at: up to when everything about the person is erased.
        key: the fingerprint of that key.
    """

    guild_id: GuildId
    digest: bytes
    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class People:
    """The ids of all persons in a guild's data."""

    members: frozenset[MemberId]
    players: frozenset[PlayerId]


@dataclass(frozen=True, slots=True)
class Archive:
    """One file of an export, small enough for a message."""

    name: str
    content: bytes
