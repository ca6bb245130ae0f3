"""Read-back: what was just stored is read from the database once more, and compared.

*Theory of operation.* Every 200th live batch of the process and every import are looked at, in the
background and one after the other, so a batch waits for nothing. Each death of a batch must be there and
prove itself, and the counters of its players must follow from all of their deaths. After an import this holds
for all deaths and players of the game server.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from structlog import get_logger

from utils.error_sink import ErrorSource, Where
from utils.errors import BackupError, StorageError
from utils.events import CountersStored, HistoryImported
from utils.models.deaths import Death
from utils.models.players import PlayerRecord
from utils.models.scope import PlayerId, ServerScope
from utils.models.verification import DataFault, DataFinding, ShownServer, VerificationReport
from utils.queues import WorkQueue
from utils.services.ingestion.fingerprint import build_scope_prefix
from utils.services.verification.nightly import DataCare
from utils.services.verification.recount import denies_id
from utils.services.verification.verifier import DataVerifier, of_server
from utils.tasks import TaskManager

READ_BACK_TASK = "verify:stored"
EVERY = 200
"""One in so many live batches is read back."""

MOST_RECOUNTED = 2_000
"""The deaths that are counted again for one batch at most; players with more wait for the night."""

_ALL = "all"

_log = get_logger(__name__)


class StoredReader(Protocol):  # implemented by ReadBackCheck
    """Reads back what was stored.

    Raises:
        StorageError: the database does not answer.
        BackupError: the child process failed.
    """

    async def read_stored(
        self, server: ShownServer, deaths: Sequence[Death], player_ids: Collection[PlayerId]
    ) -> VerificationReport:
        """Verify the deaths of a batch, and some of its players."""

    async def read_server(self, scope: ServerScope) -> VerificationReport:
        """Verify all deaths and figures of a game server."""


class ReadBack:
    """Chooses what is read back."""

    def __init__(self, reader: StoredReader, care: DataCare, *, tasks: TaskManager) -> None:
        self._reader = reader
        self._care = care
        self._tasks = tasks
        self._queue = WorkQueue(READ_BACK_TASK, self._work_off, tasks=tasks)
        self._stored = 0
        self._batch: CountersStored | None = None
        self._imported: set[ServerScope] = set()

    def on_counters_stored(self, event: CountersStored) -> None:
        """Count a batch; of those that wait to be read back the last one is."""
        self._stored += 1
        if self._stored % EVERY == 0:
            self._batch = event
            self._queue.put(_ALL)

    def on_history_imported(self, event: HistoryImported) -> None:
        """Read an import back."""
        self._imported.add(event.scope)
        self._queue.put(_ALL)

    async def _work_off(self, key: str) -> None:
        del key
        try:
            while self._imported or self._batch:
                await self._read_next()
        except (BackupError, StorageError) as failure:
            _log.warning("what was stored is not read back", problem=str(failure))
            where = Where(source=ErrorSource.DATABASE, task=READ_BACK_TASK)
            self._tasks.errors.report(failure, where=where)

    async def _read_next(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            server = ShownServer(batch.scope, batch.generation)
            report = await self._reader.read_stored(server, batch.deaths, choose_players(batch.players))
            await self._care.take_up(report, verified=())
            return
        scope = self._imported.pop()
        await self._care.take_up(await self._reader.read_server(scope), verified=[scope])


def choose_players(players: Sequence[PlayerRecord]) -> list[PlayerId]:
    """Return the players with the fewest deaths, as long as they can be counted again at once."""
    left, chosen = MOST_RECOUNTED, list[PlayerId]()
    for player in sorted(players, key=_count_rows):
        left -= _count_rows(player)
        if left >= 0:
            chosen.append(player.player_id)
    return chosen


def read_stored(
    verifier: DataVerifier, server: ShownServer, deaths: Sequence[Death], player_ids: Collection[PlayerId]
) -> VerificationReport:
    """Verify what a batch has stored; it blocks, so it belongs into a thread.

    Raises:
        StorageError: the database does not answer.
    """
    scope, findings = server.scope, list[DataFinding]()
    prefix = build_scope_prefix(scope)
    stored = verifier.data.find_deaths(scope, [death.id for death in deaths])
    right = [death for death in stored.values() if death is not None and not denies_id(death, prefix)]
    if len(right) < len(deaths) and verifier.data.has_server(scope):
        findings.append(of_server(DataFault.DENIED, scope, found=len(deaths) - len(right)))
    if wrong := verifier.count_wrong(server, player_ids):
        findings.append(of_server(DataFault.COUNTERS, scope, found=wrong))
    return VerificationReport(findings=tuple(findings), players=len(player_ids), deaths=len(deaths))


def _count_rows(player: PlayerRecord) -> int:
    return player.counters.kills + player.counters.deaths
