"""Buttons: who may press them, what they do, and how they end."""

import asyncio

import pytest

from simulation.discord import Channel, Fault, Guild, Interaction, Member, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.small_bot import REFERENCE, Shelf, SmallBot
from utils.errors import StorageUnavailableError
from utils.interactions.views import CUSTOM_ID_PREFIX, LiveViews

NOT_YOURS = "These buttons belong to whoever ran the command. Run it yourself to get your own."
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
ENDED = "These buttons have ended. Run the command again."


@pytest.fixture(name="bob")
def _bob(guild: Guild) -> Member:
    return guild.add_member("bob")


def list_buttons(reply: Interaction) -> dict[str, bool]:
    """Return the buttons of an answer, and whether each can be pressed."""
    assert reply.message is not None
    return {
        button["label"]: not button.get("disabled", False) for button in reply.message.interactive_components
    }


async def turn(reply: Interaction, label: str, title: str) -> None:
    """Press a button and wait for the page it leads to."""
    await (await reply.click(label)).wait_for_acknowledgement()
    await reply.wait_until(lambda one: one.embed.get("title") == title)


async def wait_for_decision(bot: SmallBot) -> bool | None:
    """Return what was chosen of a confirmation."""
    async with asyncio.timeout(60):
        return await bot.practice.decisions.get()


def end_time(bot: SmallBot) -> None:
    """Let the time of the last answer's buttons be up, as the library does when it is."""
    assert bot.practice.shown is not None
    bot.practice.shown._dispatch_timeout()


def has_ended(reply: Interaction) -> bool:
    """Tell whether no button can be pressed any more."""
    return not any(list_buttons(reply).values())


@pytest.mark.usefixtures("bot")
async def test_pages_are_turned_both_ways(alice: Member, channel: Channel) -> None:
    """At each end the button that leads nowhere is off."""
    reply = await alice.ask(channel, "/pages")
    assert (reply.embed["title"], list_buttons(reply)) == ("Page 1", {"Previous": False, "Next": True})
    await turn(reply, "Next", "Page 2")
    assert list_buttons(reply) == {"Previous": True, "Next": True}
    await turn(reply, "Next", "Page 3")
    assert list_buttons(reply) == {"Previous": True, "Next": False}
    await turn(reply, "Previous", "Page 2")


async def test_last_page_is_shown_when_there_are_fewer_now(
    bot: SmallBot, alice: Member, channel: Channel
) -> None:
    """A list that shrank is shown at its new end."""
    reply = await alice.ask(channel, "/pages")
    await turn(reply, "Next", "Page 2")
    bot.practice.pages = 1
    await turn(reply, "Next", "Page 1")
    assert list_buttons(reply) == {"Previous": False, "Next": False}


@pytest.mark.usefixtures("bot")
async def test_only_the_invoker_turns_pages(alice: Member, bob: Member, channel: Channel) -> None:
    """Others are told so in private, and nothing moves."""
    reply = await alice.ask(channel, "/pages")
    assert reply.message is not None
    pressed = await (await reply.message.click(bob, "Next")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (NOT_YOURS, True)
    assert reply.embed["title"] == "Page 1"


async def test_failing_page_is_told_and_the_list_stays(
    bot: SmallBot, alice: Member, channel: Channel
) -> None:
    """A database that is away for one press costs that press alone."""
    reply = await alice.ask(channel, "/pages")
    bot.practice.pages, bot.practice.error = 0, StorageUnavailableError("away")
    pressed = await reply.click("Next")
    await pressed.wait_until(lambda one: bool(one.followups))
    assert pressed.followups[0].is_ephemeral
    assert f"`{REFERENCE}`" in pressed.followups[0].embed["description"]
    bot.practice.pages = 3
    await turn(reply, "Next", "Page 2")


async def test_buttons_end_visibly_after_their_time(bot: SmallBot, alice: Member, channel: Channel) -> None:
    """Buttons that no longer work look like it, whether they were pressed or not."""
    bot.practice.view_seconds = 0.3
    reply = await alice.ask(channel, "/pages")
    await reply.wait_until(has_ended)
    assert reply.embed["title"] == "Page 1"


async def test_buttons_end_on_the_page_that_was_turned_to(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """Also when the command's own token has expired: the newest press carries a fresh one."""
    reply = await alice.ask(channel, "/pages")
    world.clock.advance(16 * 60)
    await turn(reply, "Next", "Page 2")
    end_time(bot)
    await reply.wait_until(has_ended)
    assert reply.embed["title"] == "Page 2"


async def test_ended_buttons_that_cannot_be_shown_as_such_are_left(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """A list whose message is gone ends in silence."""
    edit = Fault(method="PATCH", route=ORIGINAL, status=404)
    reply = await alice.ask(channel, "/pages")
    world.faults.add(edit)
    end_time(bot)
    await world.until(lambda: edit.struck == 1, what="the edit of ended buttons")
    await world.settle()
    assert list_buttons(reply) == {"Previous": False, "Next": True}
    pressed = await (await reply.click("Next")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (ENDED, True)


async def test_press_after_a_restart_says_so(
    world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The buttons of a bot that was restarted still stand there; a press is answered."""
    async with running_bot(SmallBot(shelf.build_services()), world):
        reply = await alice.ask(channel, "/pages")
    async with running_bot(SmallBot(shelf.build_services()), world):
        pressed = await (await reply.click("Next")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (ENDED, True)


@pytest.mark.parametrize(("label", "is_confirmed"), [("Remove", True), ("Cancel", False)])
async def test_question_ends_with_the_first_answer(
    bot: SmallBot, alice: Member, channel: Channel, label: str, *, is_confirmed: bool
) -> None:
    """Either button decides, and both are off afterwards."""
    reply = await alice.ask(channel, "/sure")
    await (await reply.click(label)).wait_for_acknowledgement()
    assert await wait_for_decision(bot) is is_confirmed
    assert has_ended(reply)


async def test_first_press_decides_when_both_buttons_are_pressed(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """Who cancels and slips onto the other button has cancelled."""
    reply = await alice.ask(channel, "/sure")
    world.faults.add(Fault(method="POST", route=CALLBACK, delay_seconds=0.2))
    presses = [await reply.click("Cancel"), await reply.click("Remove")]
    await asyncio.gather(*(press.wait_for_acknowledgement() for press in presses))
    assert await wait_for_decision(bot) is False


async def test_question_nobody_answers_decides_nothing(
    bot: SmallBot, alice: Member, channel: Channel
) -> None:
    """Silence is no yes."""
    bot.practice.view_seconds = 0.3
    reply = await alice.ask(channel, "/sure")
    assert await wait_for_decision(bot) is None
    await reply.wait_until(has_ended)


async def test_question_is_for_the_invoker_alone(
    bot: SmallBot, alice: Member, bob: Member, channel: Channel
) -> None:
    """Nobody else can confirm what a member was asked."""
    reply = await alice.ask(channel, "/sure")
    assert reply.message is not None
    pressed = await (await reply.message.click(bob, "Remove")).wait()
    assert (pressed.content, bot.practice.decisions.empty()) == (NOT_YOURS, True)


def test_foreign_buttons_are_never_called_ended() -> None:
    """Only what carries the bot's own prefix can have ended."""
    live = LiveViews()
    live.add(f"{CUSTOM_ID_PREFIX}1")
    ended = {
        name: live.is_ended(name) for name in (f"{CUSTOM_ID_PREFIX}1", f"{CUSTOM_ID_PREFIX}2", "else", "")
    }
    assert ended == {f"{CUSTOM_ID_PREFIX}1": False, f"{CUSTOM_ID_PREFIX}2": True, "else": False, "": False}
    live.remove(f"{CUSTOM_ID_PREFIX}1")
    assert live.is_ended(f"{CUSTOM_ID_PREFIX}1")
