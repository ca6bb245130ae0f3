"""Upgrades in processes of their own that are killed between their backup, the raised version and the steps.

``python -m tests.fakes.upgrade_kills URI DATABASE FOLDER`` begins the upgrade of old data again and again.
Each time a child of this process is killed at another moment; then it prints how many backups there are. At
the end one upgrade comes to its end, and one is refused because its migration changes a collection that it
does not name. The migrations are handed over here; everything else is composed as in the bot.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.fakes.forked import KILLED, end_process, expect
from tests.fakes.restored_town import load, store
from tests.utils.backup.test_backups import CHILD
from utils.backup.archive import list_archives
from utils.clock import SystemClock
from utils.composition.upgrading import BackedUpgrade, build_backed_upgrade
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.migrations.each_guild import change_each_guild
from utils.database.migrations.migrations import (
    MIGRATIONS,
    DataVersion,
    Migration,
    Migrations,
    find_data_version,
)
from utils.database.process.connection import SafeMongoDBConnection
from utils.errors import ConfigurationError
from utils.models.backups import BackupProgress, BackupStep
from utils.redaction import Redactor

OLD = MIGRATIONS.newest - 2
MOMENTS = ("trial", "before the raise", "after the raise", "between steps", "before the end", "after the end")


async def count(database: SafeDatabase, fence: Fence, *, step: int, name: str) -> None:
    """Change a document of each guild in a way that can be repeated."""

    def change(transaction: object, *, guild_id: int) -> None:
        documents = transaction.of_guild(name, guild_id)  # type: ignore[attr-defined]
        documents.update_many({}, {"$set": {f"step_{step}": True}})

    await change_each_guild(database, fence, change)


def build_steps(*, named: str = "guilds", touched: str = "guilds") -> dict[int, Migration]:
    """Return two steps that name one collection and change another one, or the same."""
    change = partial(count, name=touched)
    return {
        version: Migration(partial(change, step=version), frozenset({named}))
        for version in (OLD + 1, OLD + 2)
    }


class DoomedMigrations(Migrations):
    """Migrations that call at each moment of an upgrade."""

    def __init__(self, steps: dict[int, Migration], at: Callable[[str], None]) -> None:
        super().__init__({**steps, OLD + 2: self._late(steps[OLD + 2])})
        self._at = at

    def _late(self, step: Migration) -> Migration:
        async def change(database: SafeDatabase, fence: Fence) -> None:
            self._at("between steps")
            await step.change(database, fence)

        return Migration(change, step.touches)

    async def begin(self, database: SafeDatabase, version: DataVersion, fence: Fence) -> int:
        """Raise the version."""
        self._at("before the raise")
        first = await super().begin(database, version, fence)
        self._at("after the raise")
        return first

    async def finish(self, database: SafeDatabase, fence: Fence) -> None:
        """Note the end."""
        self._at("before the end")
        await super().finish(database, fence)
        self._at("after the end")


class Upgrades:
    """The upgrades of one database."""

    def __init__(self, uri: str, name: str, folder: Path) -> None:
        self._uri, self._name, self._folder = uri, name, folder

    def run(self) -> None:
        """Go all rounds."""
        expect(0, self._prepare, "the preparation")
        for moment in MOMENTS:
            expect(KILLED, partial(self._upgrade, build_steps(), moment), moment)
            self._tell(moment)
        expect(0, partial(self._upgrade, build_steps(), ""), "the upgrade")
        expect(0, self._look, "the look")
        self._tell("done")
        expect(0, self._go_back, "the way back")
        expect(0, partial(self._upgrade, build_steps(touched="wallets"), ""), "the upgrade that touches more")

    async def _open(self) -> tuple[SafeMongoDBConnection, SafeDatabase]:
        connection = SafeMongoDBConnection(self._uri, database=self._name, clock=SystemClock())
        return connection, await connection.open()

    async def _prepare(self) -> None:
        connection, database = await self._open()
        await ensure_indexes(database)
        await store(database)
        await self._set_version(database)
        await connection.close()

    async def _go_back(self) -> None:
        connection, database = await self._open()
        await self._set_version(database)
        await connection.close()

    async def _set_version(self, database: SafeDatabase) -> None:
        await database.unscoped("schema").update_one({"_id": "data"}, {"$set": {"version": OLD}})

    async def _upgrade(self, steps: dict[int, Migration], doom: str) -> None:
        connection, database = await self._open()

        def at(moment: str) -> None:
            if moment == doom:
                end_process()

        def show(progress: BackupProgress) -> None:
            if progress.step is BackupStep.LOADING:
                at("trial")

        settings, _ = load(self._folder)
        upgrade = build_backed_upgrade(settings, database, Redactor(), "call", SystemClock(), show=show)
        upgrade.migrations = DoomedMigrations(steps, at)
        if isinstance(upgrade.guard, BackedUpgrade):
            upgrade.guard.backups.verifier.command = CHILD
        try:
            await upgrade.upgrade_now()
        except ConfigurationError as error:
            sys.stdout.write(f"\nfound: {error}\n")
        sys.stdout.flush()
        await connection.close()

    async def _look(self) -> None:
        connection, database = await self._open()
        version = await find_data_version(database)
        changed = await database.unscoped("guilds").count_documents(
            {f"step_{version}": True for version in (OLD + 1, OLD + 2)}
        )
        sys.stdout.write(f"\nfound: {version}, {changed} guilds changed\n")
        sys.stdout.flush()
        await connection.close()

    def _tell(self, moment: str) -> None:
        archives = list_archives(self._folder / "data" / "backups")
        proven = sum(archive.proven_at is not None for archive in archives)
        sys.stdout.write(f"\nfound: {moment}: {len(archives)} backups, {proven} proven\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Upgrades(sys.argv[1], sys.argv[2], Path(sys.argv[3])).run()
