"""The controls of ``/setup``: channels, the game server, and checking again."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from cogs.admin.adding import Adding
from cogs.admin.channels import set_channel
from cogs.admin.login_dialog import LoginDialog, Outcome, check_before_form
from cogs.admin.server_form import TypedLogin
from cogs.admin.settings import change_language
from cogs.setup.checklist import CHANNEL_TITLES, build_checklist
from cogs.setup.creation import ChannelCreator, list_missing_kinds, list_open_kinds
from utils.errors import NotFoundError
from utils.interactions.context import KillfeedContext
from utils.interactions.invitation import build_invitation
from utils.interactions.reaching import note_unreached
from utils.interactions.views import InvokerView
from utils.models.guilds import ChannelKind
from utils.models.languages import AUTOMATIC, LANGUAGE_CHOICES
from utils.models.scope import ChannelId
from utils.models.setup import SETUP_KINDS
from utils.models.texts import Text, text
from utils.services.servers.typed_servers import LoginFields, ServerForm

NEW_FIELDS = LoginFields("", "", name="")
NEW_SERVER = ServerForm("", "", None, "")
SETUP_SECONDS = 10 * 60.0  # after the last press; its token is valid for fifteen minutes

Act = Callable[[KillfeedContext], Awaitable[Text | None]]
"""Does what a press asks for, and returns what it did."""


class SetupView(InvokerView):
    """The checklist with its controls, which change with what is set up and with the tier."""

    def __init__(self, ctx: KillfeedContext, creator: ChannelCreator) -> None:
        super().__init__(ctx, seconds=SETUP_SECONDS)
        self._creator = creator
        self._kind = SETUP_KINDS[0]

    async def open(self) -> None:
        """Answer with the checklist."""
        embed = await self._build()
        await self._ctx.respond(embed=embed, view=self)

    async def show(self, done: Text | None = None) -> None:
        """Show the checklist as it is now in the message of the newest press."""
        embed = await self._build(done)
        await self.shown_in.edit_original_response(embed=embed, view=self)

    async def _build(self, done: Text | None = None) -> discord.Embed:
        """Build the controls again, and return the checklist."""
        guild = find_guild(self._ctx)
        kinds, missing = await list_open_kinds(self._ctx), await list_missing_kinds(self._ctx, guild)
        checklist = await build_checklist(self._services, guild)
        if self._kind not in kinds:
            self._kind = kinds[0]
        self.drop_items()
        titles = [(kind.value, CHANNEL_TITLES[kind]) for kind in kinds]
        self.add_select(text("Which channel?"), titles, self._choose_kind, chosen=self._kind.value)
        self.add_channel_select(text("Choose a channel"), self._choose_channel)
        self.add_select(
            text("Language"),
            list(LANGUAGE_CHOICES.items()),
            self._choose_language,
            chosen=checklist.language or AUTOMATIC,
        )
        self.add_button(text("Add a game server"), discord.ButtonStyle.primary, self._open_form)
        if missing:
            self._add_creation(guild)
        self.add_button(text("Check again"), discord.ButtonStyle.secondary, self._check_again)
        return self._ctx.embeds.build_setup(checklist, done=done)

    def _add_creation(self, guild: discord.Guild) -> None:
        """Add the button that creates channels, or the link that lets the bot do so."""
        if guild.me.guild_permissions.manage_channels:
            self.add_button(text("Create the channels"), discord.ButtonStyle.secondary, self._create)
            return
        label = self._ctx.embeds.words.write_plain(text("Give me Manage Channels"))
        link = build_invitation(self._ctx.bot.application_id or 0, may_create_channels=True)
        self.add_item(discord.ui.Button(label=label, url=link))

    async def _choose_kind(self, kind: str, interaction: discord.Interaction) -> None:
        async def note(_: KillfeedContext) -> None:
            self._kind = ChannelKind(kind)

        await self._act(note, interaction)

    async def _choose_channel(self, channel_id: int, interaction: discord.Interaction) -> None:
        async def choose(ctx: KillfeedContext) -> Text:
            channel = find_guild(ctx).get_channel(channel_id)
            if channel is None:
                raise NotFoundError(text("That channel is gone. Choose another one."))
            return await set_channel(ctx, self._kind, channel, server=None)

        await self._act(choose, interaction)

    async def _choose_language(self, language: str, interaction: discord.Interaction) -> None:
        async def choose(ctx: KillfeedContext) -> None:
            await change_language(ctx, {"language": None if language == AUTOMATIC else language})

        await self._act(choose, interaction)

    async def _create(self, interaction: discord.Interaction) -> None:
        async def create(ctx: KillfeedContext) -> Text:
            return await self._creator.create(ctx, find_guild(ctx))

        await self._act(create, interaction)

    async def _open_form(self, interaction: discord.Interaction) -> None:
        """Open the form of a new game server; its answer is a message of its own."""
        ctx = self._ctx.follow(interaction)
        await check_before_form(self._verify_free_slot(ctx), ctx.services.errors)
        adding = Adding(self._services, NEW_SERVER, ChannelId(interaction.channel_id or 0))

        async def submit(sent: KillfeedContext, login: TypedLogin) -> Outcome:
            outcome = await adding.submit(sent, login)
            with note_unreached("the checklist is not up to date", sent.services.errors):
                await self.show()
            return outcome

        await LoginDialog(text("New game server"), submit, fields=NEW_FIELDS).open(ctx, NEW_FIELDS)

    async def _verify_free_slot(self, ctx: KillfeedContext) -> None:
        """Refuse a form that could not add a server, before anything is typed."""
        await ctx.verify()
        servers = await self._services.servers.list_servers(ctx.guild_id)
        await self._services.premium.verify_free_slot(ctx.guild_id, servers=len(servers))

    async def on_error(
        self, error: Exception, item: discord.ui.ViewItem[Any], interaction: discord.Interaction
    ) -> None:
        """Answer a failed press as a change, which may be stored in part; the checklist stays."""
        del item
        await self._services.replies.answer(interaction, error, self._ctx.access)

    async def _check_again(self, interaction: discord.Interaction) -> None:
        async def look(_: KillfeedContext) -> None:
            return None

        await self._act(look, interaction)

    async def _act(self, act: Act, interaction: discord.Interaction) -> None:
        """Do what a press asks for, if its member may still do it, and show the checklist."""
        await self.take_press(interaction)
        ctx = self._ctx.follow(interaction)
        with self._services.limits.working(ctx.member_id):
            await ctx.verify()
            await self.show(await act(ctx))


def find_guild(ctx: KillfeedContext) -> discord.Guild:
    """Return the guild as the library knows it now; after a new connection it is another object.

    Raises:
        NotFoundError: Discord has not sent it yet.
    """
    guild = ctx.bot.get_guild(ctx.guild_id)
    if guild is None:
        raise NotFoundError(text("Discord hasn't told me about this server yet. Try again in a minute."))
    return guild
