"""``/admin backup``: backups of the whole bot, for its owners alone."""

from collections.abc import Awaitable, Callable
from functools import partial

import discord

from cogs.admin.groups import BACKUP
from utils.interactions.autocomplete import complete_backup
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.options import text_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.interactions.reaching import note_unreached
from utils.interactions.services import Services, ShowProgress
from utils.models.backups import BackupOutcome, BackupProgress, BackupReason
from utils.models.texts import Text, text
from utils.tasks import beside

FOR_OWNERS = Access(is_owner=True, is_private=True)
SHOW_SECONDS = 3.0  # between two edits of the answer


class BackupCommands:
    """Backups by hand."""

    services: Services

    @BACKUP.command(name="now", description="Make a backup now")
    @FOR_OWNERS
    async def backup_now(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin backup now``."""
        work = partial(self.services.backups.make, BackupReason.BY_HAND)
        await self._follow(ctx, text("Backup made"), lambda show: work(show=show))

    @BACKUP.command(name="list", description="The backups that are there")
    @FOR_OWNERS
    async def backup_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin backup list``."""
        services = self.services

        async def build(page: int) -> tuple[discord.Embed, int]:
            backups = await services.backups.list_backups()
            shown = cut_page(backups, page)
            return ctx.embeds.build_backups(shown.rows, total=len(backups)), shown.count

        await respond_with_pages(ctx, build)

    @BACKUP.command(name="verify", description="Read a backup back and restore it on trial")
    @text_option("backup", description="Which one", autocomplete=complete_backup, is_required=True)
    @FOR_OWNERS
    async def backup_verify(self, ctx: KillfeedContext, backup: str) -> None:
        """Answer ``/admin backup verify``."""
        work = partial(self.services.backups.verify, backup)
        await self._follow(ctx, text("Backup verified"), lambda show: work(show=show))

    async def _follow(
        self, ctx: KillfeedContext, title: Text, work: Callable[[ShowProgress], Awaitable[BackupOutcome]]
    ) -> None:
        """Show how far the work is, every few seconds, then how it went."""
        shown = ShownProgress(ctx)
        async with beside(partial(shown.keep_showing, self.services)):
            outcome = await work(shown.note)
        await shown.put(ctx.embeds.build_backup_outcome(title, outcome))


class ShownProgress:
    """An answer that is edited while the work goes on."""

    def __init__(self, ctx: KillfeedContext) -> None:
        self._ctx = ctx
        self._latest: BackupProgress | None = None
        self._is_answered = False

    def note(self, progress: BackupProgress) -> None:
        """Remember how far the work is."""
        self._latest = progress

    async def keep_showing(self, services: Services) -> None:
        """Show the latest progress again and again, until cancelled."""
        while True:
            await services.clock.sleep(SHOW_SECONDS)
            if self._latest is not None:
                with note_unreached("progress of a backup is not shown", services.errors):
                    await self.put(self._ctx.embeds.build_backup_progress(self._latest))

    async def put(self, embed: discord.Embed) -> None:
        """Answer, or replace the answer."""
        if self._is_answered:
            await self._ctx.edit(embed=embed)
        else:
            await self._ctx.respond(embed=embed)
            self._is_answered = True
