"""``/admin backup restore``: the plan, a button, and a form that wants the id of the backup typed."""

from collections.abc import Sequence
from functools import partial

import discord

from cogs.admin.backups import FOR_OWNERS
from cogs.admin.groups import BACKUP
from utils.errors import InvalidInputError
from utils.interactions.autocomplete import complete_backup
from utils.interactions.context import KillfeedContext
from utils.interactions.forms import Line, LineForm
from utils.interactions.options import text_option
from utils.interactions.services import Services
from utils.interactions.views import InvokerView
from utils.models.scope import GuildId
from utils.models.texts import text
from utils.services.premium.grants import parse_guild_id

ID_CHARACTERS = 60
_ID = Line(text("The id of the backup"), ID_CHARACTERS, text("killfeed-…"))


class RestoreView(InvokerView):
    """A button below the plan that opens the form."""

    def __init__(self, ctx: KillfeedContext, backup_id: str, guild_id: GuildId | None) -> None:
        super().__init__(ctx)
        self._backup_id = backup_id
        self._guild_id = guild_id
        self.add_button(text("Restore"), discord.ButtonStyle.danger, self._open_form)

    async def _open_form(self, interaction: discord.Interaction) -> None:
        pressed = self._ctx.follow(interaction)
        await pressed.verify()
        submit = partial(confirm_restore, backup_id=self._backup_id, guild_id=self._guild_id)
        await pressed.send_modal(LineForm(text("Restore a backup"), (_ID,), submit, opened_in=pressed))


async def confirm_restore(
    sent: KillfeedContext, lines: Sequence[str], *, backup_id: str, guild_id: GuildId | None
) -> None:
    """Begin the restore if the id of the backup was typed.

    Raises:
        InvalidInputError: it was another text.
    """
    if lines[0] != backup_id:
        raise InvalidInputError(text("That isn't the id of the backup, so nothing was restored."))
    restores = sent.services.restores
    await restores.plan_restore(backup_id, guild_id=guild_id)  # it may have changed since
    await sent.respond(embed=sent.embeds.build_restore_begun(backup_id))
    await restores.ask_for_restore(backup_id, guild_id=guild_id)


class RestoreCommands:
    """Restores by the owners."""

    services: Services

    @BACKUP.command(name="restore", description="Put a backup in the place of all data")
    @text_option("backup", description="Which one", autocomplete=complete_backup, is_required=True)
    @discord.option(
        "guild_id", str, description="Only this Discord server (its id)", max_length=30, default=None
    )
    @FOR_OWNERS
    async def backup_restore(self, ctx: KillfeedContext, backup: str, guild_id: str | None) -> None:
        """Answer ``/admin backup restore``."""
        chosen = None if guild_id is None else parse_guild_id(guild_id)
        plan = await self.services.restores.plan_restore(backup, guild_id=chosen)
        view = RestoreView(ctx, plan.backup_id, chosen)
        await ctx.respond(embed=ctx.embeds.build_restore_plan(plan), view=view)
