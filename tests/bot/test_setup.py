"""Joining a community, and the button that begins the set-up."""

from dataclasses import dataclass

from simulation.discord import Channel, Guild, Interaction, Member, Message
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage


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
        await until(lambda: "Online as" in self.stage.bot.output)  # a guild that joins before is no news
        self.stage.world.add_bot(self.guild)
        [hello] = await self.stage.world.wait_for_messages(self.lobby, 1)
        return hello

    async def open(self, hello: Message) -> Interaction:
        """Press the button of the message after joining."""
        self.presses += 1
        return await (await self.admin.press(hello, "Set up")).wait()


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
