"""Storage Protocols of ingestion: transactions and a few reads."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar

from utils.models.deaths import Death, DeathPlace, Killing, LogFile
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import NO_DELAYS, AppendedNotices, Delays
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.reading import CountingNeeds, Cursor, RejectedLine
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.models.xp import LastKill, XpEvents
from utils.services.ingestion.batch_rules import RuleUnit
from utils.services.ingestion.highlights import HighlightUnit

T = TypeVar("T")


class DeathsUnit(RuleUnit, Protocol):  # implemented by IngestionTransaction
    """A transaction that can also recount deaths."""

    def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return all stored death rows of a player, in order."""

    def list_xp_events(self) -> XpEvents:
        """Return the times in which kills of the guild give more XP."""


class RecountUnit(DeathsUnit, Protocol):  # implemented by ErasureTransaction
    """A transaction that counts players of one server again."""

    def hold_counts(self) -> int | None:
        """Keep imports from beginning; return the shown generation, or None without a server."""

    def silence_levels(self, player_id: PlayerId) -> None:
        """Let the next look take the level of a player's member as it is then, without telling it."""

    def replace_figures(self, player: PlayerRecord, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write a player's counters of all time and by day."""


class IngestionUnit(DeathsUnit, HighlightUnit, Protocol):  # implemented by IngestionTransaction
    """One open transaction over one server's data."""

    def find_known_ids(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these deaths are stored already."""

    def find_places(self, ids: Sequence[bytes]) -> Mapping[bytes, DeathPlace]:
        """Return the places of these deaths, if they are stored already."""

    def correct_times(self, deaths: Iterable[Death]) -> None:
        """Write ``at`` and ``ordered_at`` of stored deaths."""

    def insert_deaths(self, deaths: Sequence[Death], *, read_at: datetime | None = None) -> None:
        """Store new deaths; ``read_at`` is when they were read live, None for history.

        Raises:
            StorageConflictError: a death is already stored. May be raised at the end of the transaction.
        """

    def find_last_kills(
        self, killer_ids: Iterable[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, Sequence[LastKill]]:
        """Return the kills of these players after a wall-clock time, in order."""

    def find_players(
        self, player_ids: Iterable[PlayerId], *, generation: int
    ) -> Mapping[PlayerId, PlayerRecord]:
        """Return the counters of these players, if they have any."""

    def replace_players(self, players: Iterable[PlayerRecord], *, generation: int) -> None:
        """Write players' counters, new or changed."""

    def find_days(
        self, keys: Iterable[tuple[PlayerId, date]], *, generation: int
    ) -> Mapping[tuple[PlayerId, date], PlayerDay]:
        """Return the day counters that exist, by player and day of the server."""

    def replace_days(self, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write day counters, new or changed."""

    def find_months(self, months: Iterable[date], *, generation: int) -> Mapping[date, ServerMonth]:
        """Return the server's months that exist, by their first day."""

    def replace_months(self, months: Iterable[ServerMonth], *, generation: int) -> None:
        """Write the server's months, new or changed."""

    def find_killings(self, victim_ids: Iterable[PlayerId], *, since: datetime) -> Sequence[Killing]:
        """Return the stored kills of these victims; ``since`` is the earliest wall-clock time."""

    def append_notices(
        self,
        notices: Sequence[Notice],
        *,
        created_at: datetime,
        delays: Delays = NO_DELAYS,
        changes_counters: bool = False,
    ) -> AppendedNotices:
        """Append notices to the outbox of this server, numbered for each kind of channel.

        They are due when they were made, or so much later as ``delays`` says for their kind of channel.
        """

    def insert_rejected(self, lines: Sequence[RejectedLine]) -> None:
        """Keep rejected lines."""

    def move_cursor(self, before: Cursor | None, after: Cursor) -> None:
        """Move a file's cursor from the value that was read.

        Raises:
            CursorMovedError: the stored cursor is not ``before``.
        """

    def add_lines_read(self, read: int, rejected: int) -> None:
        """Count lines for ``/killfeed status``."""


class SharedUnit(Protocol):  # implemented by SharedTransaction
    """One open transaction over game servers of one guild or of several."""

    def of_server(self, scope: ServerScope) -> IngestionUnit:
        """Return a server's part of it: nothing of another server is read or written through that."""

    def read_ahead(self, needs: Sequence[CountingNeeds]) -> None:
        """Read in advance, in one read, everything that counting and judging of several batches needs."""


class CursorStore(Protocol):  # implemented by IngestionRepository
    """Reads of cursors."""

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return the cursors of a server's files."""


class IngestionStore(CursorStore, Protocol):  # implemented by IngestionRepository
    """Storage of game servers, as ingestion sees it."""

    async def in_transaction(self, scope: ServerScope, work: Callable[[IngestionUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error.

        Raises:
            StorageConflictError: a new death is stored already.
            CursorMovedError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

    async def in_shared_transaction(
        self, guild_ids: Collection[GuildId], work: Callable[[SharedUnit], T], *, repeats: bool = True
    ) -> T:
        """Do as ``in_transaction`` for servers of guilds of one shard, all or nothing.

        Without ``repeats`` it fails at the first error, also at one that may pass.
        """

    async def forget_cursors(self, scope: ServerScope, files: Sequence[LogFile]) -> None:
        """Delete the cursors of deleted files; their lines stay counted."""
