"""The way of a new game server: tested, stored, its history imported."""

from functools import partial

from cogs.admin.kill_channel import describe_kill_channel
from cogs.admin.login_dialog import Outcome
from cogs.admin.server_form import TypedLogin
from utils.errors import KillfeedError
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.models.reading import ServerPlace
from utils.models.scope import ChannelId
from utils.models.servers import GameServer
from utils.models.texts import Command, Text, join, text
from utils.services.servers.game_servers import ServerTrial
from utils.services.servers.typed_servers import ServerForm, fill_in, list_fields, read_form


class Adding:
    """A new server from its form to its history.

    Args:
        form: as the command gave it.
        channel_id: where the progress of the import is shown.
    """

    def __init__(self, services: Services, form: ServerForm, channel_id: ChannelId) -> None:
        self._services = services
        self._form = form
        self._channel_id = channel_id

    async def submit(self, ctx: KillfeedContext, login: TypedLogin) -> Outcome:
        """Test a login, and store the server if that succeeds."""
        if login.fields is not None:
            self._form = fill_in(self._form, login.fields)
        trial = await self._services.servers.try_server(
            ctx.guild_id, self._form, credentials=login.credentials, actor_id=ctx.member_id
        )
        return await self._finish(ctx, trial)

    async def _choose(self, trial: ServerTrial, place: ServerPlace, ctx: KillfeedContext) -> Outcome:
        chosen = await self._services.servers.try_place(trial, place, actor_id=ctx.member_id)
        return await self._finish(ctx, chosen)

    async def _finish(self, ctx: KillfeedContext, trial: ServerTrial) -> Outcome:
        if trial.logs is None:
            return self._explain(ctx, trial)
        server, message_id = await self._store(ctx, trial)
        shown = text(
            "I'm importing its history. I can't post in this channel, so {setup} shows when it's done.",
            setup=Command("setup"),
        )
        if message_id is not None:
            shown = text("I'm importing its history. Progress is in this channel.")
        where, select = await describe_kill_channel(ctx, server.scope)
        embed = ctx.embeds.build_added(server.name, trial.steps, next_steps=[shown, where])
        return Outcome(embed, view=select)

    def _explain(self, ctx: KillfeedContext, trial: ServerTrial) -> Outcome:
        """Return the answer about a failed test, with the buttons that fit the step that failed."""
        return Outcome(
            ctx.embeds.build_steps(trial.server.name, trial.steps, next_step=describe_choices(trial)),
            list_fields(read_form(self._form)),
            trial.places,
            partial(self._choose, trial),
            partial(self._keep, trial) if trial.may_be_kept else None,
        )

    async def _keep(self, trial: ServerTrial, ctx: KillfeedContext) -> Outcome:
        """Store a server whose logs were not found."""
        server, _ = await self._store(ctx, trial)
        where, select = await describe_kill_channel(ctx, server.scope)
        said = [
            text("I saved its login and host key, and I'll look for its logs every minute."),
            text("When they appear, I'll import the history."),
            where,
        ]
        embed = ctx.embeds.build_success(text("{server} saved", server=server.name), join(said, "\n"))
        return Outcome(embed, view=select)

    async def _store(self, ctx: KillfeedContext, trial: ServerTrial) -> tuple[GameServer, int | None]:
        """Store a server; return it and the message that shows the progress of its import."""
        services, channel_id = self._services, self._channel_id
        message_id = await services.progress.create(ctx.guild_id, channel_id, trial.server.name)
        try:
            server = await services.servers.add_server(
                trial, channel_id=channel_id, message_id=message_id, actor_id=ctx.member_id
            )
        except KillfeedError:
            await discard_progress(services, channel_id, message_id)
            raise
        return server, message_id


def describe_choices(trial: ServerTrial) -> Text | None:
    """Return what the buttons below a failed test do; None where **Try again** says it all."""
    if trial.places:
        return text("Which one is it?")
    if trial.may_be_kept:
        return text("**Save anyway** keeps the login, and I'll look for the logs every minute.")
    return None


async def discard_progress(services: Services, channel_id: ChannelId, message_id: int | None) -> None:
    """Delete the progress message of an import that did not begin, if there is one."""
    if message_id is not None:
        await services.progress.discard(channel_id, message_id)
