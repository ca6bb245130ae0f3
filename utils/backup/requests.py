"""Requests for a restore: an owner asks in Discord; the bot checks, ends itself, restores and begins again.

It is allowed where nothing else can interfere: this process serves every community, the backup is proven and
of this version of the data. Everything else names the call of the command line.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from utils.backup.archive import Archive
from utils.backup.places import find_archive
from utils.backup.restore import RestoreOrder, Restorer
from utils.backup.steps import run_in_thread
from utils.backup.verification import BackupVerifier
from utils.database.migrations.migrations import MIGRATIONS
from utils.errors import BackupError
from utils.models.restores import RestorePlan
from utils.models.scope import GuildId
from utils.models.texts import Code, Text, join, text


class RestoreRequests:
    """Plans restores while the bot runs, and remembers the one that is wanted.

    Args:
        places: the places of backups.
        is_alone: this process serves every community.

    Attributes:
        order: the wanted restore, once an owner has confirmed it.
    """

    def __init__(
        self, restorer: Restorer, *, places: Sequence[Path], verifier: BackupVerifier, is_alone: bool
    ) -> None:
        self._restorer = restorer
        self._places = places
        self._verifier = verifier
        self._is_alone = is_alone
        self._asked = asyncio.Event()
        self.order: RestoreOrder | None = None

    async def plan_restore(self, backup_id: str, *, guild_id: GuildId | None) -> RestorePlan:
        """Return what a restore would change.

        Raises:
            BackupError: it is not allowed from here; the text names what to do instead.
            StorageError: the database does not answer.
        """
        return await self._restorer.plan(await self._build_order(backup_id, guild_id))

    async def ask_for_restore(self, backup_id: str, *, guild_id: GuildId | None) -> None:
        """Let the bot end itself and restore a backup.

        Raises:
            BackupError: it is not allowed from here; the text names what to do instead.
        """
        self.order = await self._build_order(backup_id, guild_id)
        self._asked.set()

    async def wait(self) -> None:
        """Wait until a restore is wanted."""
        await self._asked.wait()

    async def _build_order(self, backup_id: str, guild_id: GuildId | None) -> RestoreOrder:
        archive = await run_in_thread(partial(find_archive, self._places, backup_id))
        self._verifier.refuse_other_key(archive)
        problem = self._find_problem(archive)
        if problem is not None:
            option = "" if guild_id is None else f" --guild {int(guild_id)}"
            call = Code(f"python bot.py restore {archive.id}{option}")
            raise BackupError(
                join([problem, text("Stop every bot, and run {call} on its machine.", call=call)])
            )
        return RestoreOrder(archive, guild_id=guild_id)

    def _find_problem(self, archive: Archive) -> Text | None:
        if not self._is_alone:
            return text("Other processes of the bot serve communities too.")
        if archive.proven_at is None:
            return text("This backup isn't proven.")
        if archive.manifest.data_version != MIGRATIONS.newest or archive.manifest.upgraded_from is not None:
            return text("This backup has data of another version.")
        return None
