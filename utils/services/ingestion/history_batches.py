"""Batches of an import: whole chunks of logs, parsed and stored in one transaction each."""

from dataclasses import dataclass, field, replace
from functools import partial

from utils.clock import Clock
from utils.error_sink import ErrorSink
from utils.models.deaths import Death
from utils.models.reading import Chunk, RejectedLine
from utils.models.servers import GameServer
from utils.models.texts import Text
from utils.services.ingestion.poison import find_place, store_around_poison
from utils.services.ingestion.row_reader import ReadLines, RowReader
from utils.services.ingestion.stores import IngestionStore, IngestionUnit
from utils.services.ingestion.wall_clock import WallClock


@dataclass(slots=True)
class HistoryBatch:
    """The batch of one transaction: whole chunks, and the number of files that end with them.

    Attributes:
        rejected: the rejected lines that are kept.
        rows: the number of lines; ``rows_rejected`` of them could not be read.
        held_bytes: the bytes of its chunks in memory.
    """

    chunks: list[Chunk] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    rows: int = 0
    rows_rejected: int = 0
    held_bytes: int = 0
    files: int = 0

    def take(self, chunk: Chunk) -> None:
        """Add a chunk."""
        self.chunks.append(chunk)
        self.rows += 0 if chunk.is_last_row else chunk.lines
        self.held_bytes += len(chunk.data)

    def note(self, place: int, read: ReadLines) -> None:
        """Note the rows of the chunk at an index."""
        self.chunks[place] = replace(self.chunks[place], after=read.after)
        self.deaths += read.deaths
        self.rejected += read.rejected
        self.rows_rejected += read.lines_rejected

    @property
    def read_bytes(self) -> int:
        """The number of bytes of the logs that it covers."""
        return sum(chunk.after.offset - chunk.start for chunk in self.chunks)


class HistoryStoring:
    """Stores the batches of one import: each in one transaction or, to skip poison, chunk by chunk."""

    def __init__(
        self,
        store: IngestionStore,
        server: GameServer,
        clock: Clock,
        *,
        passes_over: bool,
        errors: ErrorSink,
    ) -> None:
        self.scope = server.scope
        self._report = partial(errors.report, where=find_place(server.scope))
        self._store = store
        self._clock = clock
        self._passes_over = passes_over
        self._reader = RowReader(server.scope, server.zone)
        self._wall_clock = WallClock(server.zone)

    async def parse(self, batch: HistoryBatch) -> None:
        """Parse a batch; to skip poison, each chunk is parsed when it is stored."""
        chunks = () if self._passes_over else tuple(batch.chunks)
        for place, chunk in enumerate(chunks):
            batch.note(place, await self._reader.read_chunk(chunk, now=self._clock.now()))

    async def store(self, batch: HistoryBatch) -> list[Death]:
        """Store a batch and return its new deaths, in the order of the log."""
        if not self._passes_over:
            return await self._store_batch(batch)
        new: list[Death] = []
        for chunk in batch.chunks:
            parts = await store_around_poison(
                chunk, store=self._store_chunk, pass_over=self._pass_over, report=self._report
            )
            new += [death for part in parts for death in part]
        return new

    async def _store_chunk(self, chunk: Chunk) -> list[Death]:
        read = await self._reader.read_chunk(chunk, now=self._clock.now())
        return await self._store_read(chunk, read)

    async def _pass_over(self, chunk: Chunk, reason: Text) -> list[Death]:
        if chunk.is_last_row:
            return []
        return await self._store_read(chunk, self._reader.reject(chunk, reason, now=self._clock.now()))

    async def _store_read(self, chunk: Chunk, read: ReadLines) -> list[Death]:
        batch = HistoryBatch()
        batch.take(chunk)
        batch.note(0, read)
        return await self._store_batch(batch)

    async def _store_batch(self, batch: HistoryBatch) -> list[Death]:
        clock = self._wall_clock

        def store(unit: IngestionUnit) -> list[Death]:
            return store_history_batch(unit, batch, clock)

        return await self._store.in_transaction(self.scope, store)


def store_history_batch(unit: IngestionUnit, batch: HistoryBatch, clock: WallClock) -> list[Death]:
    """Store a batch; return the new deaths, each once, in the order of the log.

    Deaths that are stored already get new times, by the order of their file and the current time zone.
    """
    first_of = {death.id: death for death in reversed(batch.deaths)}
    known = unit.find_places(tuple(first_of)) if first_of else {}
    new = [death for death in batch.deaths if death.id not in known and first_of[death.id] is death]
    right = [clock.correct(first_of[death_id], stored) for death_id, stored in known.items()]
    unit.insert_deaths(sorted(new, key=lambda death: death.id))
    times = {death_id: (stored.at, stored.ordered_at) for death_id, stored in known.items()}
    unit.correct_times([death for death in right if (death.at, death.ordered_at) != times[death.id]])
    unit.insert_rejected(batch.rejected)
    unit.add_lines_read(batch.rows, batch.rows_rejected)
    for chunk in batch.chunks:
        unit.move_cursor(chunk.before, chunk.after)
    return new
