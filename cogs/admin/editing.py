"""The way of an edit of a game server that may concern its login."""

from dataclasses import replace
from functools import partial

from cogs.admin.adding import describe_choices
from cogs.admin.login_dialog import Outcome
from cogs.admin.server_form import TypedLogin
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.models.reading import ServerPlace
from utils.models.scope import GuildId
from utils.models.texts import text
from utils.services.servers.server_changes import EditedServer, ServerEdit, fill_in_edit
from utils.services.servers.typed_servers import write_fields


class Editing:
    """An edit of a server from its options to its outcome.

    Args:
        typed: the server as the command named it.
        wish: the changes that its options ask for.
    """

    def __init__(self, services: Services, typed: str, wish: ServerEdit) -> None:
        self._services = services
        self._typed = typed
        self._wish = wish

    async def verify(self, guild_id: GuildId) -> None:
        """Refuse an invalid edit, before the admin types a password."""
        await self._services.server_changes.verify_edit(guild_id, self._typed, self._wish)

    async def submit(self, ctx: KillfeedContext, login: TypedLogin) -> Outcome:
        """Test a login, and store the edit if that succeeds."""
        if login.fields is not None:
            self._wish = fill_in_edit(self._wish, login.fields)
        return await self.edit(ctx, replace(self._wish, credentials=login.credentials))

    async def edit(self, ctx: KillfeedContext, wish: ServerEdit) -> Outcome:
        """Carry out an edit, with or without a new login."""
        edited = await self._services.server_changes.edit(
            ctx.guild_id, self._typed, wish, actor_id=ctx.member_id
        )
        return self._describe(ctx, edited, asks_login=wish.credentials is not None)

    def _describe(self, ctx: KillfeedContext, edited: EditedServer, *, asks_login: bool) -> Outcome:
        server, trial = edited.server, edited.trial
        if edited.changes:
            return Outcome(ctx.embeds.build_edited(server.name, edited.changes, steps=trial.steps))
        wanted = trial.server
        fields = write_fields(
            wanted.host, wanted.port, wanted.username, number=wanted.number, base_path=wanted.base_path
        )
        embed = ctx.embeds.build_steps(server.name, trial.steps, next_step=describe_choices(trial))
        unchanged = text("Nothing changed; {server} stays as it is.", server=server.name)
        embed.set_footer(text=ctx.embeds.words.write_plain(unchanged))
        return Outcome(
            embed,
            fields if asks_login else None,
            trial.places,
            partial(self._choose, edited, asks_login=asks_login),
            partial(self._keep, edited) if trial.may_be_kept else None,
        )

    async def _choose(
        self, failed: EditedServer, place: ServerPlace, ctx: KillfeedContext, *, asks_login: bool
    ) -> Outcome:
        changes = self._services.server_changes
        edited = await changes.edit_place(failed, place, actor_id=ctx.member_id)
        return self._describe(ctx, edited, asks_login=asks_login)

    async def _keep(self, failed: EditedServer, ctx: KillfeedContext) -> Outcome:
        kept = await self._services.server_changes.keep_edit(failed, actor_id=ctx.member_id)
        looks = text("I'll look for its logs every minute and go on when they appear.")
        embed = ctx.embeds.build_edited(
            kept.server.name, kept.changes, steps=kept.trial.steps, next_step=looks
        )
        return Outcome(embed)
