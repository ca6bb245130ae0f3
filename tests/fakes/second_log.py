"""A second log of a game server, for tests: lines in memory, read onward from a cursor of its own."""

import asyncio
from dataclasses import replace

from utils.errors import KillfeedError, StorageError
from utils.models.servers import LogHealth, ServerHealth
from utils.models.texts import Text, text
from utils.services.ingestion.log_reader import ReadReport, Visit
from utils.services.ingestion.reader_state import ReaderState


class FakeSecondReader:
    """Stores each line, except one that cannot be stored and is to be skipped.

    Attributes:
        lines: the lines of the log.
        stored: the stored lines; ``rejected``: the skipped ones.
        cursor: the number of stored or skipped lines.
        failures: the errors of the next visits, first to last.
        poison: a line that cannot be stored; ``error``: the error of its storing.
        visits: the argument of each visit.
        may_end: an event that a visit waits for; set unless a test clears it.
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
        """Return the name of the log and of its server."""
        return text("The second log of {server}", server=server_name)

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health with that of this log."""
        own = LogHealth(text("Second log"), self.state.status.state, self.state.status.problem)
        return replace(health, others=(*health.others, own))

    def list_told(self) -> frozenset[str]:
        """Return the open alerts."""
        return frozenset(self.state.told)

    async def recall(self) -> None:
        """Do nothing."""

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
        """Do nothing."""
