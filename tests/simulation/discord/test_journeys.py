"""A real py-cord bot in the simulated world, end to end."""

import io

import discord
from discord.ext import commands

from simulation.discord import CallbackKind, Channel, Guild, Member, Permission, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot

Button = discord.ui.Button[discord.ui.View]
Select = discord.ui.Select[discord.ui.View, discord.ui.DesignerModal]


async def test_deferred_private_reply_is_filled_when_the_bot_follows_up(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """A subcommand's options arrive typed, and the first follow-up fills the deferred reply."""
    admin = bot.create_group("admin", "Administration")
    server = admin.create_subgroup("server", "Servers")

    @server.command(name="add", description="Add a server")
    @discord.option("name", str, description="its name")
    @discord.option("port", int, description="its port", min_value=1, max_value=65535, default=22)
    async def add(ctx: discord.ApplicationContext, name: str, port: int) -> None:
        await ctx.defer(ephemeral=True)
        await ctx.respond(embed=discord.Embed(title=f"{name} at {port}"))

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/admin server add", name="Alpha", port=8822)

    assert reply.embed["title"] == "Alpha at 8822"
    assert (reply.is_ephemeral, reply.is_deferred, reply.callback_kind) == (
        True,
        True,
        CallbackKind.DEFERRED_MESSAGE,
    )
    assert reply.acknowledged_after_seconds is not None
    assert reply.acknowledged_after_seconds < 3
    assert (reply.followups, channel.messages) == ([], [])
    assert alice.visible_messages(channel) == [reply.message]
    assert (world.refusals, world.contract_violations, world.violations) == ([], [], [])


async def test_public_deferred_reply_stays_public_when_the_bot_wants_it_private(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """The deferral decides who sees the reply, not the flag of the follow-up."""

    @bot.slash_command(description="Shows statistics")
    async def stats(ctx: discord.ApplicationContext) -> None:
        await ctx.defer()
        await ctx.followup.send("an error", ephemeral=True)

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/stats")

    assert (reply.content, reply.is_ephemeral) == ("an error", False)
    assert channel.messages == [reply.original]


async def test_private_follow_up_is_the_answer_when_the_deferred_reply_was_deleted(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """After a public deferral an error deletes the original and sends a private follow-up."""

    @bot.slash_command(description="Shows statistics")
    async def stats(ctx: discord.ApplicationContext) -> None:
        await ctx.defer()
        await ctx.interaction.delete_original_response()
        await ctx.followup.send("unknown player", ephemeral=True)

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/stats")

    assert (reply.content, reply.is_ephemeral, reply.original_was_deleted) == ("unknown player", True, True)
    assert channel.messages == []


async def test_modal_is_answered_when_a_person_fills_it_in(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """A form opens as the first reply, its fields come back by label, and the submit is deferred."""

    class SecretModal(discord.ui.Modal):
        def __init__(self) -> None:
            super().__init__(
                discord.ui.InputText(label="Password", required=False),
                discord.ui.InputText(label="Private key", required=False),
                title="Login",
            )

        async def callback(self, interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True, invisible=False)
            values = [child.value for child in self.children]
            await interaction.followup.send(repr(values))

    @bot.slash_command(description="Asks for a secret")
    async def login(ctx: discord.ApplicationContext) -> None:
        await ctx.send_modal(SecretModal())

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/login")
        assert reply.modal is not None
        assert (reply.modal.title, reply.modal.labels) == ("Login", ["Password", "Private key"])
        answer = await (await reply.submit_modal({"Password": "hunter2"})).wait()

    assert (answer.content, answer.is_ephemeral) == ("['hunter2', '']", True)


async def test_page_turns_when_the_asker_presses_a_button(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """A button press edits the message with the button."""

    class Pages(discord.ui.View):
        @discord.ui.button(label="Next")
        async def turn(self, _: Button, interaction: discord.Interaction) -> None:
            await interaction.response.edit_message(content="page 2", view=None)

    @bot.slash_command(description="Lists")
    async def pages(ctx: discord.ApplicationContext) -> None:
        await ctx.respond("page 1", view=Pages())

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/pages")
        pressed = await (await reply.click("Next")).wait()

    assert pressed.message is reply.message
    assert (reply.content, reply.components, pressed.callback_kind) == ("page 2", [], CallbackKind.UPDATE)


async def test_value_is_chosen_when_a_person_uses_a_select_menu(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """A select menu sends the value of the chosen label."""

    class Boards(discord.ui.View):
        @discord.ui.select(  # type: ignore[type-var]  # py-cord types menus of views as those of modals
            placeholder="Board", options=[discord.SelectOption(label="Kills", value="kills")]
        )
        async def choose(self, select: Select, interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"{select.values}", ephemeral=True)

    @bot.slash_command(description="Boards")
    async def board(ctx: discord.ApplicationContext) -> None:
        await ctx.respond("which?", view=Boards())

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/board")
        assert reply.message is not None
        chosen = await (await alice.select(reply.message, "Board", "Kills")).wait()

    assert (chosen.content, chosen.is_ephemeral) == ("['kills']", True)


async def test_choices_are_offered_when_a_person_types(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """Autocomplete gets the typed text and the values of the other options."""

    async def players(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
        return [discord.OptionChoice(f"{ctx.value} on {ctx.options['server']}", "id-1")]

    @bot.slash_command(description="Shows statistics")
    @discord.option("player", str, description="who", autocomplete=players)
    @discord.option("server", str, description="where", required=False)
    async def stats(ctx: discord.ApplicationContext, player: str, server: str | None) -> None:
        await ctx.respond(f"{player} {server}")

    async with running_bot(bot, world):
        choices = await alice.autocomplete(channel, "/stats", "player", "Mls", server="s1")

    assert choices == [{"name": "Mls on s1", "value": "id-1"}]


async def test_options_resolve_when_they_name_people_roles_and_channels(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """Members, roles and channels arrive as py-cord's objects, with permissions computed."""
    moderator = world.create_role(guild, "moderator", permissions=int(Permission.MANAGE_GUILD))
    bob = world.add_member(guild, "bob", roles=[moderator])

    @bot.slash_command(description="Shows things")
    @discord.option("member", discord.Member, description="who")
    @discord.option("role", discord.Role, description="which")
    @discord.option("place", discord.TextChannel, description="where")
    async def show(
        ctx: discord.ApplicationContext,
        member: discord.Member,
        role: discord.Role,
        place: discord.TextChannel,
    ) -> None:
        manages = ctx.interaction.permissions.manage_guild
        await ctx.respond(f"{member.name} {role.name} {place.name} {manages}")

    async with running_bot(bot, world):
        by_alice = await alice.ask(channel, "/show", member=bob, role=moderator, place=channel)
        by_bob = await bob.ask(channel, "/show", member=alice, role=moderator, place=channel)

    assert by_alice.content == "bob moderator general False"
    assert by_bob.content == "alice moderator general True"


async def test_picture_is_shown_when_an_embed_names_an_attachment(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot, client: BareClient
) -> None:
    """An uploaded file is stored, shown in the embed, and can be fetched."""

    @bot.slash_command(description="Draws")
    async def draw(ctx: discord.ApplicationContext) -> None:
        embed = discord.Embed(title="chart").set_image(url="attachment://chart.png")
        await ctx.defer()
        await ctx.respond(embed=embed, file=discord.File(io.BytesIO(b"png bytes"), "chart.png"))

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/draw")

    assert reply.message is not None
    [attachment] = reply.message.attachments
    assert (attachment.filename, attachment.data) == ("chart.png", b"png bytes")
    assert reply.embed["image"]["url"] == attachment.url
    async with client.session.get(attachment.url) as response:
        assert await response.read() == b"png bytes"
    assert world.contract_violations == []


async def test_messages_arrive_when_the_bot_writes_into_a_channel(
    world: SimulatedDiscord, channel: Channel, bot: commands.Bot
) -> None:
    """Sending, editing, reading and deleting go through the channel of py-cord's cache."""
    seen: list[tuple[str, str]] = []
    world.watch_messages(lambda event, message: seen.append((event, message.content)))
    async with running_bot(bot, world):
        await world.until(lambda: bot.get_channel(channel.id) is not None)
        place = bot.get_partial_messageable(channel.id)
        first = await place.send("one", nonce="n-1", enforce_nonce=True)
        await place.send("two", allowed_mentions=discord.AllowedMentions.none())
        await first.edit(content="uno")
        history = [message.content async for message in place.history(limit=10)]
        await first.delete()

    assert history == ["two", "uno"]
    assert [message.content for message in await world.wait_for_messages(channel, 1)] == ["two"]
    assert seen == [
        ("MESSAGE_CREATE", "one"),
        ("MESSAGE_CREATE", "two"),
        ("MESSAGE_UPDATE", "uno"),
        ("MESSAGE_DELETE", "uno"),
    ]
    assert (world.refusals, world.contract_violations) == ([], [])


async def test_commands_keep_ids_and_versions_when_registered_again(world: SimulatedDiscord) -> None:
    """A second start of a bot with the same commands changes no registered command."""

    def build() -> commands.Bot:
        bot = commands.Bot(
            intents=discord.Intents(guilds=True), cache_default_sounds=False, help_command=None
        )

        @bot.slash_command(description="Answers", contexts={discord.InteractionContextType.guild})
        @discord.option("loud", bool, description="how", required=False)
        async def ping(ctx: discord.ApplicationContext, loud: bool | None) -> None:  # noqa: FBT001 - an option
            await ctx.respond(f"pong {loud}")

        return bot

    async with running_bot(build(), world):
        pass
    [first] = world.commands.list_commands(None)
    async with running_bot(build(), world):
        pass
    assert world.commands.list_commands(None) == [first]
    assert world.contract_violations == []


async def test_labelled_form_is_answered_when_a_person_fills_it_in(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot
) -> None:
    """Forms of label components work like forms of rows, select menus included."""

    class KindModal(discord.ui.DesignerModal):
        def __init__(self) -> None:
            self.secret = discord.ui.InputText(custom_id="secret")
            self.kind = discord.ui.Select(
                custom_id="kind", options=[discord.SelectOption(label="Password", value="p")]
            )
            super().__init__(
                discord.ui.TextDisplay("How does the bot log in?"),
                discord.ui.Label("Secret", self.secret),
                discord.ui.Label("Kind", self.kind),
                title="Login",
            )

        async def callback(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"{self.secret.value} {self.kind.values}")

    @bot.slash_command(description="Asks for a secret")
    async def login(ctx: discord.ApplicationContext) -> None:
        await ctx.send_modal(KindModal())

    async with running_bot(bot, world):
        reply = await alice.ask(channel, "/login")
        assert reply.modal is not None
        assert reply.modal.labels == ["Secret", "Kind"]
        answer = await (await reply.submit_modal({"Secret": "hunter2", "kind": ["p"]})).wait()

    assert answer.content == "hunter2 ['p']"
    assert (world.violations, world.contract_violations) == ([], [])
