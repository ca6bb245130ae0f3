"""What ingestion needs of the storage: one open transaction at a time, and a few reads around it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar

from utils.models.deaths import Death, LogFile
from utils.models.notices.bounties import BountyNotice
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import Appended
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.reading import Cursor, RejectedLine
from utils.models.scope import PlayerId, ServerScope
from utils.services.money.money_stores import MoneyUnit
from utils.services.money.rewards import LiveKill, RewardTerms

T = TypeVar("T")


class IngestionUnit(Protocol):
    """One open transaction over one server's data: all of it happens or nothing."""

    async def find_known_ids(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these deaths are stored already."""

    async def find_times(self, ids: Sequence[bytes]) -> Mapping[bytes, tuple[datetime, datetime | None]]:
        """Return ``at`` and ``ordered_at`` of those of these deaths that are stored already."""

    async def correct_times(self, deaths: Iterable[Death]) -> None:
        """Give stored deaths the ``at`` and ``ordered_at`` that they have here."""

    @property
    def money(self) -> MoneyUnit:
        """Wallets and bounties within this very transaction."""

    async def insert_deaths(self, deaths: Sequence[Death], *, read_at: datetime | None = None) -> None:
        """Store deaths that are not there yet; ``read_at`` is when they were read live, None in history.

        Raises:
            StorageConflictError: one is there; now, or at the transaction's end.
        """

    async def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death row a player takes part in, in order."""

    async def find_players(
        self, player_ids: Iterable[PlayerId], *, generation: int
    ) -> Mapping[PlayerId, PlayerRecord]:
        """Return the counters of those players that have any."""

    async def replace_players(self, players: Iterable[PlayerRecord], *, generation: int) -> None:
        """Write players' counters, new or changed."""

    async def find_days(
        self, keys: Iterable[tuple[PlayerId, date]], *, generation: int
    ) -> Mapping[tuple[PlayerId, date], PlayerDay]:
        """Return the day counters that exist, by player and day of the server."""

    async def replace_days(self, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write day counters, new or changed."""

    async def add_months(self, months: Iterable[ServerMonth], *, generation: int) -> None:
        """Add what new deaths came to onto the stored counts of their months."""

    async def append_notices(
        self, notices: Sequence[Notice], *, created_at: datetime, changes_counters: bool = False
    ) -> Appended:
        """Put notices behind the outbox entries of this server, each kind of channel by itself."""

    async def insert_rejected(self, lines: Sequence[RejectedLine]) -> None:
        """Keep lines that could not be read."""

    async def move_cursor(self, before: Cursor | None, after: Cursor) -> None:
        """Move a file's cursor from the value that was read.

        Raises:
            CursorMovedError: the stored cursor is not ``before``.
        """

    async def add_lines_read(self, read: int, rejected: int) -> None:
        """Count lines for ``/killfeed status``."""


class LiveRewards(Protocol):
    """The rules about what live kills earn."""

    async def find_terms(self, scope: ServerScope) -> RewardTerms | None:
        """Return what holds for a server now; None where nothing is paid."""

    async def settle(
        self,
        unit: MoneyUnit,
        scope: ServerScope,
        server_name: str,
        kills: Sequence[LiveKill],
        *,
        terms: RewardTerms,
        read_at: datetime,
    ) -> Sequence[BountyNotice]:
        """Pay and claim within the transaction that stores the kills; return what is to be announced."""


class IngestionStore(Protocol):
    """Storage of one guild's game servers, as ingestion sees it."""

    async def in_transaction(self, scope: ServerScope, work: Callable[[IngestionUnit], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction, where it waits for the unit alone.

        It may run again after a transient error.

        Raises:
            StorageConflictError: a new death is stored already.
            CursorMovedError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

    async def in_shared_transaction(
        self, scope: ServerScope, work: Callable[[IngestionUnit], Awaitable[T]]
    ) -> T:
        """Do as ``in_transaction`` with little work, together with other servers of the guild."""

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return where reading stands, by file."""

    async def forget_cursors(self, scope: ServerScope, files: Sequence[LogFile]) -> None:
        """Delete the cursors of files that are gone; their lines stay counted."""
