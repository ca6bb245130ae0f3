"""Write-behind: the counts of errors go into the database every ten seconds, exactly once.

*Theory of operation.* A parcel is taken out of memory and written until that succeeds; the next one waits for
it. Each parcel has an id, which the documents remember for a while. So a parcel whose answer was lost is
written again without being counted twice, also by the next process, which finds it in a file. While the
database is away, further errors are counted in memory.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageError
from utils.models.error_groups import ErrorGroup, GroupDelta, GroupWrite, TroubleCount
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Text
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.fingerprints import OVERFLOWN
from utils.telemetry.group_merging import merge, merge_deltas, overflow
from utils.telemetry.pending_file import PendingCounts, take_pending, write_pending

WRITE_SECONDS = 10.0
WRITE_BACKOFF = Backoff(first_seconds=10, longest_seconds=60)
MOST_IN_PARCEL = 100  # each has a document of its own and one of its hour
MOST_STORED = 300  # groups of a guild
MOST_STORED_OF_BOT = 1_000
FINISH_SECONDS = 2.0  # at the end of the process

WRITE_TASK = "errors:write"

_log = get_logger(__name__)


class ErrorStore(Protocol):  # implemented by ErrorRepository
    """Storage of groups of errors.

    Raises:
        StorageError: from any method.
    """

    async def find_groups(self, guild_id: GuildId, fingerprints: Sequence[str]) -> Mapping[str, ErrorGroup]:
        """Return stored groups by their fingerprint."""

    async def count_groups(self, guild_id: GuildId) -> int:
        """Return the number of a guild's groups."""

    async def write(self, writes: Sequence[GroupWrite], parcel_id: str) -> None:
        """Write groups and their hours; a parcel that was written already changes nothing."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Counts on their way into the database, under the id of this piece of work."""

    id: str
    deltas: tuple[GroupDelta, ...]


class ErrorWriter:
    """Writes what the telemetry has counted.

    Args:
        telemetry: counts.
        store: the storage.
        folder: keeps the counts that could not be written until the next start.
        most_stored: groups of a guild; its further ones are counted together.

    Attributes:
        listener: takes what was written.
    """

    def __init__(
        self,
        telemetry: ErrorTelemetry,
        store: ErrorStore,
        *,
        folder: Path,
        clock: Clock,
        most_stored: int = MOST_STORED,
    ) -> None:
        self._most_stored = most_stored
        self._telemetry = telemetry
        self._store = store
        self._folder = folder
        self._clock = clock
        self._parcel: Parcel | None = None
        self._writing = asyncio.Lock()
        self.listener: Callable[[Sequence[GroupWrite]], None] = lambda _: None

    def load_pending(self) -> None:
        """Take up what the process before could not write."""
        pending = take_pending(self._folder)
        if pending is None:
            return
        if pending.parcel:
            self._parcel = Parcel(pending.parcel_id, pending.parcel)
        for delta in pending.deltas:
            self._telemetry.counts.add_back(delta)

    async def run(self) -> None:
        """Write without end."""
        failures = 0
        while True:
            pause = WRITE_BACKOFF.compute_seconds(failures) if failures else WRITE_SECONDS
            await self._clock.sleep(pause)
            self._telemetry.tell_left_out()
            try:
                await self.write_once()
                failures = 0
            except StorageError as error:
                failures += 1
                _log.warning(
                    "errors are written later", groups=len(self._telemetry.counts), problem=str(error)
                )
                self._telemetry.report(error, where=Where(source=ErrorSource.DATABASE, task=WRITE_TASK))

    async def write_once(self) -> bool:
        """Write one parcel, the one that waits first; tell whether there was one.

        Raises:
            StorageError: it was not written, or nobody knows; the next call writes the same one.
        """
        async with self._writing:
            if self._parcel is None:
                taken = self._telemetry.counts.take(MOST_IN_PARCEL)
                if not taken:
                    return False
                self._parcel = Parcel(secrets.token_hex(8), taken)
            writes = await self._plan(self._parcel)
            await self._store.write(writes, self._parcel.id)
            self._parcel = None
        self.listener(writes)
        return True

    async def write_all(self) -> None:
        """Write everything that is counted now, for a person who asks.

        Raises:
            StorageError: the database is away.
        """
        while await self.write_once():
            pass

    async def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Store the errors that happened to a member, so that they are erased there, and forget the rest.

        Raises:
            StorageError: the database is away.
        """
        await self.write_all()
        self._telemetry.forget_member(guild_id, member_id)

    def list_troubles(self, guild_id: GuildId) -> tuple[TroubleCount, ...]:
        """Return the troubles of a guild, or of the whole bot, in the running hour."""
        return self._telemetry.troubles.list_troubles(guild_id)

    def find_pattern(self, guild_id: GuildId, fingerprint: str) -> Text | None:
        """Return what most errors of a group in the last hour have in common."""
        return self._telemetry.recent.find_pattern(guild_id, fingerprint)

    async def finish(self) -> None:
        """Write the rest at the end of the process; what cannot be written goes into a file."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self.write_all()
        except (StorageError, TimeoutError) as error:
            _log.warning(
                "errors wait in a file for the next start", problem=f"{type(error).__name__}: {error}"
            )
        self._telemetry.tell_left_out(is_last=True)
        parcel = self._parcel or Parcel("", ())
        rest = self._telemetry.counts.take(len(self._telemetry.counts))
        write_pending(self._folder, PendingCounts(parcel.id, parcel.deltas, rest))

    async def _plan(self, parcel: Parcel) -> list[GroupWrite]:
        """Return the groups as they are afterwards; a guild's groups beyond its limit count together."""
        by_guild: defaultdict[GuildId, list[GroupDelta]] = defaultdict(list)
        for delta in parcel.deltas:
            by_guild[delta.guild_id].append(delta)
        writes: list[GroupWrite] = []
        for guild_id, deltas in by_guild.items():
            writes += await self._plan_guild(guild_id, deltas)
        return writes

    async def _plan_guild(self, guild_id: GuildId, deltas: Iterable[GroupDelta]) -> list[GroupWrite]:
        wanted = {delta.fingerprint: delta for delta in deltas}
        stored = await self._store.find_groups(guild_id, [*wanted, OVERFLOWN.fingerprint])
        unknown = [fingerprint for fingerprint in wanted if fingerprint not in stored]
        most = MOST_STORED_OF_BOT if guild_id == WHOLE_BOT else self._most_stored
        free = most - await self._store.count_groups(guild_id) if unknown else 0
        for fingerprint in unknown[max(free, 0) :]:
            rest = overflow(wanted.pop(fingerprint), OVERFLOWN)
            known = wanted.get(rest.fingerprint)
            wanted[rest.fingerprint] = rest if known is None else merge_deltas(known, rest)
        return [merge(stored.get(fingerprint), delta) for fingerprint, delta in wanted.items()]
