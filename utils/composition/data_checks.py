"""The full verification of the data, in a child process beside the bot."""

from collections.abc import Collection
from dataclasses import dataclass

from utils.backup.backups import ignore
from utils.backup.child import work_in_child
from utils.backup.steps import Show, run_in_thread
from utils.composition.archived_deaths import DEATHS_JOB, dump_scopes, load_deaths
from utils.composition.backups import build_child_command, build_source
from utils.composition.erasures import keep_erased_out
from utils.composition.storage import build_key_place, build_place
from utils.composition.verification import FULL_JOB, dump_counts, find_measure
from utils.database.core.database import SafeDatabase
from utils.database.process.opening import find_uri
from utils.models.scope import ServerScope
from utils.models.verification import ArchivedDeaths, VerificationReport
from utils.settings import Settings


@dataclass(eq=False)
class FullCheck:
    """Verifies all of the data, or a seventh of the game servers and everything besides."""

    settings: Settings
    database: SafeDatabase

    async def run(
        self,
        *,
        day: int | None = None,
        also: Collection[ServerScope] = (),
        is_gentle: bool,
        show: Show,
    ) -> VerificationReport:
        """Verify in a child process and return what was found.

        Args:
            day: a number of days, which decides about the seventh; None for all.
            also: further game servers that are counted again.
            is_gentle: it leaves half of a core free.
            show: gets the progress.

        Raises:
            BackupError: it failed; the text says why.
            StorageError: the database does not answer.
        """
        measure = await find_measure(self.settings, self.database, is_proven=True)
        order = {
            "uri": find_uri(build_place(self.settings)),
            "database": self.database.name,
            "expected": dump_counts(measure.manifest.deaths_by_server if measure else {}),
            "kept": measure.manifest.communities.dump() if measure else None,
            "day": day,
            "also": dump_scopes(also),
            "is_gentle": is_gentle,
        }
        source = build_source(self.settings, self.database)
        await run_in_thread(source.lengthen_history)
        try:
            result = await work_in_child(build_child_command(), FULL_JOB, order, show=show)
        finally:
            await run_in_thread(source.shorten_history)
        return VerificationReport.load(result)

    async def find_deaths(self, scopes: Collection[ServerScope]) -> ArchivedDeaths:
        """Return the deaths that the newest proven backup has and the database lacks.

        Deaths of persons who were erased since the backup are left out: they would be back.

        Raises:
            BackupError: it failed; the text says why.
            StorageError: the database does not answer.
        """
        archive = await find_measure(self.settings, self.database, is_proven=True)
        if archive is None:
            return ArchivedDeaths()
        order = {
            "uri": find_uri(build_place(self.settings)),
            "database": self.database.name,
            "archive": str(archive.path),
            "scopes": dump_scopes(scopes),
        }
        found = load_deaths(await work_in_child(build_child_command(), DEATHS_JOB, order, show=ignore))
        box = build_key_place(self.settings).find_box()
        return await keep_erased_out(self.database, found, since=archive.manifest.started_at, secret_box=box)
