"""A second log of a game server, for tests: lines in memory, read onward from a cursor of its own."""

import asyncio
from dataclasses import replace

from utils.errors import KillfeedError, StorageError
from utils.models.servers import LogHealth, ServerHealth
from utils.models.texts import Text, text
from utils.services.ingestion.log_reader import ReadReport, Visit
from utils.services.ingestion.reader_state import ReaderState


class FakeSecondReader:
    """Stores each line; one that cannot be stored is passed over when it is told to.

    Attributes:
        lines: of the log.
        stored: those that were read, and ``rejected`` those that were passed over.
        cursor: how many lines were dealt with.
        failures: what the next visits fail with, first to last.
        poison: a line that cannot be stored, and ``error`` what that fails with.
        visits: what each visit was told.
        may_end: a visit waits for it; set unless a test clears it.
    """

    def __init__(self, *lines: str) -> None:
        self.state = ReaderState()
        self.is_importing = False
        self.lines = list(lines)
        self.stored: list[str] = []
        self.rejected: list[str] = []
        self.cursor = 0
        self.failures: list[KillfeedError] = []
        self.poison: str | None = None
        self.error: Exception = StorageError("MongoDB refused.")
        self.problem: Text | None = None
        self.visits: list[Visit] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    def describe(self, server_name: str) -> Text:
        """Return the log and whose it is."""
        return text("The second log of {server}", server=server_name)

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health with that of this log."""
        own = LogHealth(text("Second log"), self.state.status.state, self.state.status.problem)
        return replace(health, others=(*health.others, own))

    def list_told(self) -> frozenset[str]:
        """Return what the admins were told of."""
        return frozenset(self.state.told)

    async def recall(self) -> None:
        """Remember nothing of before."""

    async def read(self, visit: Visit) -> ReadReport:
        """Fail, wait, or read on from the cursor."""
        self.visits.append(visit)
        await self.may_end.wait()
        if self.failures:
            raise self.failures.pop(0)
        for line in self.lines[self.cursor :]:
            if line != self.poison:
                self.stored.append(line)
            elif visit.passes_over:
                self.rejected.append(line)
            else:
                raise self.error
            self.cursor += 1
        return ReadReport(self.problem)

    async def save(self, *, is_urgent: bool) -> None:
        """Store nothing."""

    async def note_removal(self) -> None:
        """Show nothing."""
