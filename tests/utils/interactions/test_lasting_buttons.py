"""Lasting buttons: their presses count after every restart, and are checked like commands."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import discord
import pytest

from simulation.discord import Channel, Guild, Interaction, Member, Message, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.errors import REFERENCE
from tests.fakes.own_bot import OwnBot
from tests.fakes.pseudo_language import LANGUAGES
from tests.fakes.small_bot import Shelf
from utils.embeds.factory import EmbedFactory
from utils.errors import StorageUnavailableError
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.limits import PRESS_COST, WORK_AT_ONCE
from utils.models.lasting_buttons import ButtonKind, ButtonStyle, LastingButton
from utils.models.premium import Feature
from utils.models.texts import Code, text

SHOW, UPDATE, ADMIN, RIVALS, FORM, FAIL = (
    ButtonKind(name) for name in ("show", "update", "admin_only", "rivals", "form", "fail")
)
OLD, GONE = ButtonKind("show", version=0), ButtonKind("gone")


class PressCog(GuildCog):
    """Answers a button of each sort.

    Attributes:
        seen: guild, member and argument of each press that was let through.
        error: the error that the failing handlers raise.
    """

    seen: list[tuple[int, int, str, tuple[str, ...]]]
    error: Exception

    @on_press(SHOW)
    @Access(is_private=True)
    async def show(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer privately."""
        self._note(ctx, argument)
        await ctx.respond(ctx.embeds.words.write(text("You pressed {argument}.", argument=Code(argument))))

    @on_press(UPDATE)
    @Access(is_update=True)
    async def update(self, ctx: KillfeedContext, argument: str) -> None:
        """Change the pressed message, or fail."""
        self._note(ctx, argument)
        if argument == "fail":
            raise self.error
        await ctx.edit(embed=discord.Embed(title="Updated"))

    @on_press(ADMIN)
    @Access(is_admin=True, is_private=True)
    async def only_admins(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer admins."""
        self._note(ctx, argument)
        await ctx.respond("Hello, admin")

    @on_press(RIVALS)
    @Access(feature=Feature.RIVALS)
    async def rivals(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer at a tier that opens rivals."""
        self._note(ctx, argument)
        await ctx.respond("Rivals")

    @on_press(FORM)
    @Access(is_private=True, opens_modal=True)
    async def open_form(self, ctx: KillfeedContext, argument: str) -> None:
        """Open a form as the first reply."""
        self._note(ctx, argument)
        form = discord.ui.Modal(title="Form")
        form.add_item(discord.ui.InputText(label="Name"))
        await ctx.send_modal(form)

    @on_press(FAIL)
    async def fail(self, ctx: KillfeedContext, argument: str) -> None:
        """Fail after a public acknowledgement."""
        self._note(ctx, argument)
        raise self.error

    def _note(self, ctx: KillfeedContext, argument: str) -> None:
        self.seen.append((ctx.guild_id, ctx.member_id, argument))


def list_buttons() -> list[LastingButton]:
    """Return a button of each kind, and one that fails."""
    kinds = {"Show": SHOW, "Update": UPDATE, "Admins": ADMIN, "Rivals": RIVALS, "Form": FORM}
    kinds |= {"Fail": FAIL, "Old": OLD, "Gone": GONE}
    buttons = [LastingButton(kind, text("{name}", name=name), "7:8") for name, kind in kinds.items()]
    failing = LastingButton(UPDATE, text("Bad update"), "fail", style=ButtonStyle.DANGER, emoji="💥")
    return [*buttons, failing]


class Press:
    """A message with all the buttons, posted by a process that has ended.

    Attributes:
        cog: the cog of the process that runs now.
    """

    def __init__(self, message: Message, cog: PressCog) -> None:
        self.message = message
        self.cog = cog

    async def __call__(self, member: Member, button: str) -> Interaction:
        """Press a button and wait for the answer."""
        return await (await member.press(self.message, button)).wait()


async def post(bot: OwnBot, channel: Channel) -> Message:
    """Post a message with all the buttons."""
    view = EmbedFactory().build_buttons(list_buttons())
    embed = discord.Embed(title="Lasting")
    await bot.get_partial_messageable(channel.id).send(embed=embed, view=view)
    return channel.messages[-1]


def build_bot(shelf: Shelf, folder: Path, *, tier: int = 4) -> tuple[OwnBot, PressCog]:
    """Return a bot with the cog above."""
    bot = OwnBot(shelf, folder, tier=tier)
    cog = PressCog(bot.services)
    cog.seen = []
    bot.add_cog(cog)
    return bot, cog


@pytest.fixture(name="press")
async def _press(
    world: SimulatedDiscord, shelf: Shelf, channel: Channel, tmp_path: Path
) -> AsyncIterator[Press]:
    """A message of one process, and the next process, which knows nothing about it."""
    before, _ = build_bot(shelf, tmp_path)
    async with running_bot(before, world):
        message = await post(before, channel)
    bot, cog = build_bot(shelf, tmp_path)
    async with running_bot(bot, world):
        yield Press(message, cog)
        assert bot.unexpected.reported == []
        assert not list(bot._connection._view_store._views)  # the library keeps nothing of them


async def test_press_is_answered_by_another_process(
    press: Press, guild: Guild, alice: Member, channel: Channel
) -> None:
    """The message is from before the restart; its press counts, and its argument is as it was given."""
    answer = await press(alice, "Show")
    assert (answer.content, answer.is_ephemeral) == ("You pressed `7:8`.", True)
    assert press.cog.seen == [(guild.id, alice.id, "7:8")]
    assert channel.messages == [press.message]


async def test_press_may_open_a_form(press: Press, alice: Member) -> None:
    """A form is the first reply, so the press is not acknowledged before."""
    answer = await press(alice, "Form")
    assert answer.require_modal().labels == ["Name"]


async def test_press_changes_its_own_message(press: Press, alice: Member, channel: Channel) -> None:
    """An update has no answer besides."""
    await press(alice, "Update")
    assert [message.embed["title"] for message in channel.messages] == ["Updated"]


async def test_press_that_comes_twice_is_handled_once(
    press: Press, world: SimulatedDiscord, alice: Member
) -> None:
    """Discord may send an interaction twice."""
    pressed = await press(alice, "Show")
    world.events.dispatch("INTERACTION_CREATE", pressed.payload, guild=pressed.channel.guild)
    await world.settle()
    assert len(press.cog.seen) == 1


async def test_rights_are_those_of_the_press(
    press: Press, world: SimulatedDiscord, manager: Member, alice: Member
) -> None:
    """All members see the button; only members who are admins now may use it."""
    refused = await press(alice, "Admins")
    assert ("Manage Server" in refused.embed["description"], refused.is_ephemeral) == (True, True)
    assert (await press(manager, "Admins")).content == "Hello, admin"
    world.set_roles(manager.membership, [])
    assert "Manage Server" in (await press(manager, "Admins")).embed["description"]
    assert len(press.cog.seen) == 1


@pytest.mark.parametrize("button", ["Old", "Gone"])
async def test_button_of_an_older_version_is_refused(press: Press, alice: Member, button: str) -> None:
    """The refusal is one private sentence that says where to go on."""
    answer = await press(alice, button)
    said = answer.embed["description"]
    assert answer.is_ephemeral
    assert "older version" in said
    assert "/help" in said
    assert said.count(".") == 1
    assert press.cog.seen == []


async def test_argument_counts_in_the_guild_of_the_press(
    press: Press, world: SimulatedDiscord, guild: Guild
) -> None:
    """The same custom id, pressed in another guild, asks about that guild."""
    elsewhere = world.create_guild("Elsewhere")
    copied = world.create_channel(elsewhere, "general")
    press.message.channel = copied
    stranger = world.owner_of(elsewhere)
    await press(stranger, "Show")
    assert press.cog.seen == [(elsewhere.id, stranger.id, "7:8")]
    assert elsewhere.id != guild.id


async def test_tier_is_that_of_the_press(
    world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel, tmp_path: Path
) -> None:
    """The tier that opened the feature has ended since the message was posted."""
    bot, cog = build_bot(shelf, tmp_path, tier=0)
    async with running_bot(bot, world):
        answer = await Press(await post(bot, channel), cog)(alice, "Rivals")
    assert "tier" in answer.embed["description"].lower()
    assert (answer.is_ephemeral, cog.seen) == (True, [])
    assert len(channel.messages) == 1  # the public acknowledgement is gone


async def test_presses_have_the_limits_of_commands(press: Press, alice: Member) -> None:
    """A member who presses for long without a pause reads when to go on."""
    for _ in range(int(WORK_AT_ONCE / PRESS_COST)):
        press.cog.services.limits.spend(alice.id, PRESS_COST)
    answer = await press(alice, "Show")
    assert "Try again in" in answer.embed["description"]
    assert press.cog.seen == []


@pytest.mark.parametrize("button", ["Fail", "Bad update"])
@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (ValueError("a detail nobody may read"), lambda said: REFERENCE in said),
        (StorageUnavailableError("down"), lambda said: "database" in said.lower()),
    ],
    ids=["unexpected", "database away"],
)
async def test_failed_press_is_answered_like_a_failed_command(
    press: Press,
    shelf: Shelf,
    alice: Member,
    channel: Channel,
    button: str,
    error: Exception,
    is_told: Callable[[str], bool],
) -> None:
    """The answer is private and has a code; the message stays, and no public reply is left."""
    press.cog.error = error
    answer = await (await alice.press(press.message, button)).wait_until(lambda one: bool(one.followups))
    said = str(answer.followups[-1].embed)
    assert is_told(said)
    assert "nobody may read" not in said
    assert answer.followups[-1].is_ephemeral
    assert shelf.reporter.reported == [error]
    assert channel.messages == [press.message]
    assert press.message.embed["title"] == "Lasting"


async def test_press_in_a_direct_message_is_refused(
    press: Press, world: SimulatedDiscord, alice: Member
) -> None:
    """Everything is looked up in the guild of a press, and there is none."""
    press.message.channel = world.direct_messages(alice.user)
    answer = await press(alice, "Show")
    assert "not in direct messages" in answer.embed["description"]
    assert press.cog.seen == []


async def test_labels_are_in_the_language_of_the_message() -> None:
    """A message has one language: that of its guild."""
    embeds = await EmbedFactory(languages=LANGUAGES).speak("qps")
    shown = embeds.build_buttons(list_buttons()).to_components()
    assert [len(row["components"]) for row in shown] == [5, 4]
    assert str(shown[1]["components"][3]["label"]).startswith("⟦")
