"""Lines that could not be read, for admins."""

from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import read_rejected
from utils.database.repositories.line_counts import count_lines
from utils.database.repositories.repository import Repository
from utils.models.reading import RejectedLine
from utils.models.scope import ServerScope

KEPT_LINES = 1_000  # a wrong file with a log's name may consist of rejected lines only


class RejectedLineRepository(Repository):
    """The rejected lines of game servers."""

    async def list_rejected(self, scope: ServerScope, *, limit: int) -> tuple[RejectedLine, ...]:
        """Return the latest lines, newest first."""
        found = await self._lines(scope).find({}, sort=[("seen_at", -1)], limit=limit, hint="newest")
        return tuple(read_rejected(document) for document in found)

    async def count_rejected(self, scope: ServerScope) -> int:
        """Return how many lines were rejected since the server was added, kept or not."""
        return (await count_lines(self._database, scope)).rejected

    async def prune_rejected(self, scope: ServerScope, *, keep: int = KEPT_LINES) -> int:
        """Delete all lines except roughly the newest ones; return how many."""
        newest = await self.list_rejected(scope, limit=keep)
        if len(newest) < keep:
            return 0
        return await self._lines(scope).delete({"seen_at": {"$lt": newest[-1].seen_at}})

    def _lines(self, scope: ServerScope) -> ScopedCollection:
        return self._of_server("rejected_lines", scope)
