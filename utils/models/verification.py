"""Verification of the stored data: what is compared, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.models.texts import Text

DeathCounts = Mapping[ServerScope, int]
"""The number of deaths of each game server, at the moment of a backup."""


class DataFault(StrEnum):
    """The faults that a verification can find."""

    VERSION = "version"
    INDEX = "index"
    UNREADABLE = "unreadable"
    GENERATION = "generation"
    COUNTERS = "counters"
    DEATHS = "deaths"
    WALLET = "wallet"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One fault.

    Attributes:
        said: one sentence without a name or an id of a player or member.
        guild_id: the community whose data it is; None for the whole database.
        server_id: the game server whose data it is, if it is of one.
        member_id: the owner of the wallet, if it is about one.
    """

    fault: DataFault
    said: Text
    guild_id: GuildId | None = None
    server_id: ServerId | None = None
    member_id: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """The result of a verification.

    Attributes:
        servers: the number of game servers whose counters were counted again, at least in part.
        players: the number of players who were counted again.
        wallets: the number of wallets that were compared with the ledger.
    """

    findings: tuple[DataFinding, ...] = ()
    servers: int = 0
    players: int = 0
    wallets: int = 0

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class ShownServer:
    """A game server as a verification sees it.

    Attributes:
        generation: the shown generation of its counters.
    """

    scope: ServerScope
    generation: int


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """The stored counters of one player.

    Attributes:
        record: None if there are none, or they cannot be read.
    """

    record: PlayerRecord | None = None
    days: frozenset[PlayerDay] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredWallet:
    """A wallet as it is stored, and the end of its part of the ledger.

    Attributes:
        rows: the number of rows that the wallet says it has.
        last_number: the number of its last row in the ledger; 0 without one.
        last_balance: the balance after that row.
    """

    guild_id: GuildId
    member_id: MemberId
    balance: int
    rows: int
    last_number: int
    last_balance: int

    @property
    def fits_ledger(self) -> bool:
        """Tell whether the wallet is as its last row says."""
        return (self.rows, self.balance) == (self.last_number, self.last_balance)
