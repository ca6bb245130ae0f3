"""The full verification of the data, in a child process beside the bot."""

from dataclasses import dataclass

from utils.backup.child import work_in_child
from utils.backup.steps import Show
from utils.composition.backups import build_child_command
from utils.composition.storage import build_place
from utils.composition.verification import FULL_JOB, dump_counts, find_measure
from utils.database.archives.snapshot import SnapshotSource
from utils.database.core.database import SafeDatabase
from utils.database.process.opening import find_uri
from utils.models.verification import VerificationReport
from utils.settings import Settings


@dataclass(eq=False)
class FullCheck:
    """Verifies all of the data, or a seventh of the game servers and everything besides."""

    settings: Settings
    database: SafeDatabase

    async def run(self, *, day: int | None = None, is_gentle: bool, show: Show) -> VerificationReport:
        """Verify in a child process and return what was found.

        Args:
            day: a number of days, which decides about the seventh; None for all.
            is_gentle: it leaves half of a core free.
            show: gets the progress.

        Raises:
            BackupError: it failed; the text says why.
            StorageError: the database does not answer.
        """
        expected = await find_measure(self.settings, self.database, is_proven=True)
        order = {
            "uri": find_uri(build_place(self.settings)),
            "database": self.database.name,
            "expected": dump_counts(expected),
            "day": day,
            "is_gentle": is_gentle,
        }
        source = SnapshotSource(self.database, is_embedded=not self.settings.mongodb.uri.get_secret_value())
        with source.long_history():
            result = await work_in_child(build_child_command(), FULL_JOB, order, show=show)
        return VerificationReport.load(result)
