"""From joining to the first posted kill: presses alone, and one form."""

from dataclasses import dataclass

from simulation.discord import Channel, Guild, Interaction, Member, Message
from simulation.game_host.host import HostUser
from simulation.posts import expect_posts, read_posts
from simulation.town import USERNAME, list_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage

MOST_PRESSES = 12
KINDS = ("killfeed", "alerts", "events", "news", "bounties", "leaderboard")


@dataclass(eq=False)
class Newcomer:
    """A community that adds the bot, and its admin, who only presses.

    Attributes:
        presses: how often the admin has pressed or chosen something.
    """

    stage: Stage
    guild: Guild
    lobby: Channel
    admin: Member
    presses: int = 0

    @classmethod
    def found(cls, stage: Stage) -> "Newcomer":
        """Create a community with a system channel, without the bot."""
        guild = stage.world.create_guild("Newcomers", with_bot=False)
        lobby = stage.world.create_channel(guild, "lobby")
        guild.system_channel_id = lobby.id
        return cls(stage, guild, lobby, stage.world.owner_of(guild))

    async def join(self) -> Message:
        """Add the bot, and return what it says."""
        await until(lambda: "Online as" in self.stage.bot.output)  # earlier guilds are not greeted
        self.stage.world.add_bot(self.guild)
        [hello] = await self.stage.world.wait_for_messages(self.lobby, 1)
        return hello

    async def open(self, hello: Message) -> Interaction:
        """Press the button of the message after joining."""
        self.presses += 1
        return await (await self.admin.press(hello, "Set up")).wait()

    async def use(self, reply: Interaction, control: str, *values: str | Channel) -> None:
        """Use a control of the checklist, and wait until the checklist has changed."""
        self.presses += 1
        edits = len(reply.answer.edits)
        await reply.click(control, *values)
        await reply.wait_until(lambda one: len(one.answer.edits) > edits)

    async def open_form(self, reply: Interaction, button: str = "Add a game server") -> Interaction:
        """Press a button that opens the form."""
        self.presses += 1
        return await (await reply.click(button)).wait()

    async def send(self, form: Interaction, **fields: str) -> Interaction:
        """Fill in the form about the host of the stage."""
        host = self.stage.host
        typed = {
            "Name": "North",
            "Host and port": f"{host.address}:{host.port}",
            "User name": USERNAME,
            "Server number or log folder": "7",
            "Password": str(host.users[USERNAME].password),
        }
        return await (await form.submit_modal(typed | fields)).wait(120)


async def test_admin_presses_from_joining_to_the_first_kill(stage: Stage) -> None:
    """At most 12 presses and one form: the next death is a post in the channel that the bot created."""
    files, history = stage.open_files(), stage.take(30)
    files.append(*history)
    newcomer = Newcomer.found(stage)
    reply = await newcomer.open(await newcomer.join())
    await newcomer.use(reply, "Create the channels")
    answer = await newcomer.send(await newcomer.open_form(reply))
    assert "❌" not in answer.embed["title"], answer.embed
    await until(lambda: "History of North imported" in str([one.embeds for one in newcomer.lobby.messages]))
    await newcomer.use(reply, "Check again")
    feed = newcomer.guild.channel_named("killfeed")
    assert f"each new kill appears in {feed.mention}" in reply.embed["fields"][0]["value"]
    assert newcomer.presses <= MOST_PRESSES

    live = stage.take(5)
    files.append(*live)
    await until(lambda: len(list_posts(feed)) >= len(live), what=lambda: stage.bot.output)
    assert read_posts(list_posts(feed)) == expect_posts(live, history)


async def test_form_with_a_wrong_password_is_sent_again_with_all_but_the_secret(stage: Stage) -> None:
    """The answer says what the host refused, and Try again keeps what was typed."""
    stage.open_files().append(*stage.take(5))
    newcomer = Newcomer.found(stage)
    reply = await newcomer.open(await newcomer.join())
    refused = await newcomer.send(await newcomer.open_form(reply), Password="wrong")
    assert stage.read("game_servers") == []
    form = await newcomer.open_form(refused, "Try again")
    answer = await (await form.submit_modal({"Password": str(stage.host.users[USERNAME].password)})).wait(120)
    assert "❌" not in answer.embed["title"], answer.embed
    assert [server["name"] for server in stage.read("game_servers")] == ["North"]
    await newcomer.use(reply, "Check again")
    assert "**North**" in reply.embed["description"]


async def test_button_works_after_a_restart_and_a_second_join_says_nothing(stage: Stage) -> None:
    """The message is said once for ever; controls of a checklist end, and the button does not."""
    newcomer = Newcomer.found(stage)
    hello = await newcomer.join()
    before = await newcomer.open(hello)
    assert await stage.bot.stop() == 0
    await stage.bot.start()
    ended = await (await before.click("Create the channels")).wait()
    assert "expired" in ended.content
    assert "Killfeed channel" in (await newcomer.open(hello)).embed["description"]
    passer_by = stage.world.add_member(newcomer.guild, "passer_by")
    refused = await (await passer_by.press(hello, "Set up")).wait()
    assert (refused.is_ephemeral, "Manage Server" in refused.embed["description"]) == (True, True)

    await until(lambda: stage.bot.output.count("Online as") > 1)
    stage.world.remove_bot(newcomer.guild)
    await until(lambda: "left a guild" in stage.bot.output)
    joined = stage.bot.output.count("joined a guild")
    stage.world.add_bot(newcomer.guild)
    await until(lambda: stage.bot.output.count("joined a guild") > joined)
    assert "Killfeed channel" in (await newcomer.open(hello)).embed["description"]
    assert newcomer.lobby.messages == [hello]


async def test_community_that_was_there_before_reads_nothing(open_stage: StageFactory) -> None:
    """The bot was added while it was offline, or before it knew this message."""
    stage = await open_stage()
    stage.guild.system_channel_id = stage.office.id
    await stage.bot.start()
    await stage.ask("/setup")
    assert stage.office.messages == []
    assert await stage.bot.stop() == 0


async def test_set_up_promises_what_happens(stage: Stage) -> None:
    """Every channel that it names gets what it is for; without one for alerts, the owner is written to."""
    stage.open_files().append(*stage.take(5))
    newcomer = Newcomer.found(stage)
    reply = await newcomer.open(await newcomer.join())
    assert "I message this Discord server's owner" in reply.embed["description"]
    answer = await newcomer.send(await newcomer.open_form(reply))
    assert "Progress is in this channel" in str(answer.embed)
    await until(lambda: "History of North imported" in str([one.embeds for one in newcomer.lobby.messages]))
    stage.host.users[USERNAME] = HostUser(password="changed")
    stage.host.cut_connections()
    direct = stage.world.direct_messages(newcomer.admin.user)
    await until(lambda: bool(direct.messages), what=lambda: stage.bot.output)

    await newcomer.use(reply, "Create the channels")
    created = reply.embed["description"].splitlines()[0]
    for kind in KINDS:
        channel = newcomer.guild.channel_named(kind)
        if channel.mention not in created:
            continue
        await newcomer.admin.ask(newcomer.lobby, "/admin channel test", kind=kind)
        await stage.world.wait_for_messages(channel, 1)
    assert "the host refuses the login" in reply.embed["description"]
