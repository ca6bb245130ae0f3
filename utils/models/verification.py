"""Verification of the stored data: what is compared, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from utils.models.deaths import Death
from utils.models.incidents import CheckState
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.models.texts import Number, Text, plural, text

DeathCounts = Mapping[ServerScope, int]
"""The number of deaths of each game server, at the moment of a backup."""


class DataFault(StrEnum):
    """The faults that a verification can find."""

    VERSION = "version"
    INDEX = "index"
    UNREADABLE = "unreadable"
    GENERATION = "generation"
    COUNTERS = "counters"
    PLAYTIME = "playtime"
    DEATHS = "deaths"
    DENIED = "denied"
    WALLET = "wallet"
    LEDGER = "ledger"
    MARKS = "marks"
    ORPHANS = "orphans"
    KEPT_ORPHANS = "kept orphans"
    GONE = "gone"


OF_COUNTERS = frozenset({DataFault.GENERATION, DataFault.COUNTERS})
"""The faults that a recount of a game server repairs."""

OF_DEATHS = frozenset({DataFault.DEATHS, DataFault.DENIED})
"""The faults that deaths of a backup repair."""

UNREADABLE_SERVER = "server"
"""The detail of an unreadable game server; other unreadable documents are settings."""


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One fault; it holds no name of anybody.

    Attributes:
        guild_id: the community whose data it is; None for the whole database.
        server_id: the game server whose data it is, if it is of one.
        member_id: the owner of the wallet, if it is about one; it is never shown.
        found: the number of faulty things, or what was found instead of ``expected``.
        detail: the index, or the collection.
        is_repaired: it is repaired, or its repair has begun.
    """

    fault: DataFault
    guild_id: GuildId | None = None
    server_id: ServerId | None = None
    member_id: MemberId | None = None
    found: int = 0
    expected: int = 0
    detail: str = ""
    is_repaired: bool = False

    @property
    def scope(self) -> ServerScope | None:
        """The game server that it is about."""
        if self.guild_id is None or self.server_id is None:
            return None
        return ServerScope(self.guild_id, self.server_id)

    @property
    def state(self) -> CheckState:
        """A fault that is repaired, or about an index, is a warning; every other one is critical."""
        is_mild = self.is_repaired or self.fault is DataFault.INDEX
        return CheckState.WARN if is_mild else CheckState.CRITICAL

    @property
    def said(self) -> Text:
        """One sentence, for the owners of the bot."""
        return _describe(self)

    def repaired(self) -> Self:
        """Return it after its repair."""
        return replace(self, is_repaired=True)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> Self:
        """Return the finding of ``dump``."""
        return cls(**{**fields, "fault": DataFault(fields["fault"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """The result of a verification.

    Attributes:
        servers: the number of game servers whose counters were counted again, at least in part.
        players: the number of players who were counted again.
        wallets: the number of wallets that were compared with the ledger.
        deaths: the number of deaths that were looked at one by one.
    """

    findings: tuple[DataFinding, ...] = ()
    servers: int = 0
    players: int = 0
    wallets: int = 0
    deaths: int = 0

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "findings": [finding.dump() for finding in self.findings]}

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> Self:
        """Return the report of ``dump``."""
        return cls(**{**fields, "findings": tuple(map(DataFinding.load, fields["findings"]))})


@dataclass(frozen=True, slots=True)
class DataCheck:
    """The last full verification, as it is remembered.

    Attributes:
        checked_at: when it ended.
        findings: the faults, after the repairs.
        recounted: when a repair counted a game server again last.
    """

    checked_at: datetime
    findings: Sequence[DataFinding] = ()
    recounted: Mapping[ServerScope, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchivedDeaths:
    """Deaths of a backup that the database lacks, or that it has in a wrong form.

    Attributes:
        documents: as they are stored, by game server; each proves itself.
        is_cut: there are more of them than are restored at once.
    """

    documents: Mapping[ServerScope, Sequence[bytes]] = field(default_factory=dict)
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class KeptCommunities:
    """The communities of a backup: what is stored may be more, and hardly less.

    Attributes:
        at: the moment of the backup.
        settings: the communities with settings.
        servers: the number of game servers of each community.
    """

    at: datetime
    settings: frozenset[GuildId]
    servers: Mapping[GuildId, int]

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        servers = {str(int(guild_id)): number for guild_id, number in self.servers.items()}
        return {"at": self.at.isoformat(), "settings": sorted(map(int, self.settings)), "servers": servers}

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> Self:
        """Return the communities of ``dump``."""
        servers = {GuildId(int(guild_id)): number for guild_id, number in fields["servers"].items()}
        return cls(datetime.fromisoformat(fields["at"]), frozenset(map(GuildId, fields["settings"])), servers)


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
class DeathPiece:
    """Some deaths of a game server, in the order of their ids.

    Attributes:
        unreadable: the ids of the stored deaths that cannot be read.
    """

    deaths: Sequence[Death]
    unreadable: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The part of a row of the ledger that its chain is made of; ``LedgerRow`` has all of it."""

    guild_id: GuildId
    member_id: MemberId
    number: int
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class WholeWallet:
    """A wallet; a stopped one neither pays nor is paid."""

    rows: int
    balance: int
    is_stopped: bool = False


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


def _describe(finding: DataFinding) -> Text:
    guild, found = str(finding.guild_id), Number(finding.found)
    match finding.fault:
        case DataFault.VERSION:
            newest = Number(finding.expected)
            return text(
                "The data has version {found}, and this bot works with version {newest}.",
                found=found,
                newest=newest,
            )
        case DataFault.INDEX:
            return text("An index isn't as it should be ({problem}).", problem=finding.detail)
        case DataFault.UNREADABLE if finding.detail != UNREADABLE_SERVER:
            return text("The settings of the community {guild} can't be read.", guild=guild)
        case DataFault.WALLET:
            return text("A wallet of the community {guild} isn't as its ledger says.", guild=guild)
        case DataFault.LEDGER:
            return text("Rows are missing or wrong in a ledger of the community {guild}.", guild=guild)
        case _:
            return _describe_place(finding, guild)


def _describe_place(finding: DataFinding, guild: str) -> Text:
    if finding.fault is DataFault.GONE:
        return _describe_gone(finding, guild)
    if finding.fault is DataFault.MARKS:
        return plural(
            "{count} link of the community {guild} names another faction than its member's.",
            "{count} links of the community {guild} name other factions than their members'.",
            finding.found,
            guild=guild,
        )
    server = str(finding.server_id)
    place = text("the game server {server} of the community {guild}", server=server, guild=guild)
    return _describe_server(finding, place)


def _describe_gone(finding: DataFinding, guild: str) -> Text:
    found = Number(finding.found)
    if finding.guild_id is None:
        return plural(
            "The newest backup has settings of {count} community, and the database has those of {found}.",
            "The newest backup has settings of {count} communities, and the database has those of {found}.",
            finding.expected,
            found=found,
        )
    return plural(
        "The newest backup has {count} game server of the community {guild}, and the database has {found}.",
        "The newest backup has {count} game servers of the community {guild}, and the database has {found}.",
        finding.expected,
        guild=guild,
        found=found,
    )


def _describe_server(finding: DataFinding, place: Text) -> Text:
    match finding.fault:
        case DataFault.GENERATION | DataFault.COUNTERS | DataFault.PLAYTIME:
            return _describe_figures(finding, place)
        case DataFault.DEATHS:
            return text(
                "{found} deaths are stored, and the newest backup has {expected}: {place}.",
                found=Number(finding.found),
                expected=Number(finding.expected),
                place=place,
            )
        case DataFault.DENIED:
            return plural(
                "{count} stored death isn't what it was: {place}.",
                "{count} stored deaths aren't what they were: {place}.",
                finding.found,
                place=place,
            )
        case DataFault.ORPHANS | DataFault.KEPT_ORPHANS:
            return plural(
                "{count} document of {collection} belongs to no game server any more: {place}.",
                "{count} documents of {collection} belong to no game server any more: {place}.",
                finding.found,
                collection=finding.detail,
                place=place,
            )
        case _:
            return text("Stored data can't be read: {place}.", place=place)


def _describe_figures(finding: DataFinding, place: Text) -> Text:
    match finding.fault:
        case DataFault.GENERATION:
            return text("There are deaths but no figures of players: {place}.", place=place)
        case DataFault.COUNTERS:
            return plural(
                "{count} figure isn't what the deaths say: {place}.",
                "{count} figures aren't what the deaths say: {place}.",
                finding.found,
                place=place,
            )
        case _:
            return plural(
                "The playtime of {count} player isn't what their sessions say: {place}.",
                "The playtime of {count} players isn't what their sessions say: {place}.",
                finding.found,
                place=place,
            )
