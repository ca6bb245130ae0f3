"""Builds the read-back of what was just stored: in a thread, or after a large import in a child process."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from utils.backup.backups import ignore
from utils.backup.child import work_in_child
from utils.backup.steps import carry_out
from utils.composition.archived_deaths import dump_scopes
from utils.composition.backups import build_child_command
from utils.composition.storage import build_place
from utils.composition.verification import SERVER_JOB, build_data_verifier, build_full_verifier
from utils.database.core.database import SafeDatabase
from utils.database.process.opening import find_uri
from utils.database.verification.stored_data import StoredData
from utils.models.deaths import Death
from utils.models.scope import PlayerId, ServerScope
from utils.models.verification import ShownServer, VerificationReport
from utils.services.verification.read_back import read_stored
from utils.settings import Settings

MOST_IN_PROCESS = 20_000
"""The deaths that are counted again in this process, in some seconds; more hold up its interpreter."""


@dataclass(eq=False)
class ReadBackCheck:
    """Reads back what was stored.

    Args:
        most: a game server with more deaths is verified in a child process.
    """

    settings: Settings
    database: SafeDatabase
    most: int = MOST_IN_PROCESS

    async def read_stored(
        self, server: ShownServer, deaths: Sequence[Death], player_ids: Collection[PlayerId]
    ) -> VerificationReport:
        """Verify deaths that were stored together, and some of their players.

        Raises:
            StorageError: the database does not answer.
        """
        verifier = build_data_verifier(StoredData(self.database.operations))
        return await self.database.call(partial(read_stored, verifier, server, deaths, player_ids))

    async def read_server(self, scope: ServerScope) -> VerificationReport:
        """Verify all deaths and figures of a game server.

        Raises:
            StorageError: the database does not answer.
            BackupError: the child process failed; the text says why.
        """
        stored = StoredData(self.database.operations)
        if await self.database.call(partial(stored.count_deaths, scope)) <= self.most:
            verifier = build_full_verifier(self.database.operations, is_gentle=True)
            return await carry_out(verifier.run_server(scope), show=ignore)
        order = {
            "uri": find_uri(build_place(self.settings)),
            "database": self.database.name,
            "scope": dump_scopes([scope])[0],
        }
        result = await work_in_child(build_child_command(), SERVER_JOB, order, show=ignore)
        return VerificationReport.load(result)
