"""Buttons: permissions, effects, and their end."""

import asyncio
from dataclasses import replace

import pytest

from simulation.discord import Channel, Fault, Guild, Interaction, Member, Message, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.errors import REFERENCE
from tests.fakes.small_bot import Shelf, SmallBot
from utils.errors import StorageUnavailableError
from utils.interactions.live_views import CUSTOM_ID_PREFIX, LiveViews
from utils.interactions.views import LOST_PRESS

NOT_YOURS = "Someone else ran this command. Run it yourself to get your own buttons."
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
TOO_LATE = Fault(
    method="POST", route=CALLBACK, status=404, body={"code": 10062, "message": "Unknown interaction"}
)
TAKEN_AND_LOST = [
    Fault(method="POST", route=CALLBACK, cut="after"),
    Fault(method="POST", route=CALLBACK, cut="before"),
]
ENDED = "These buttons have expired. Run the command again."


@pytest.fixture(name="bob")
def _bob(world: SimulatedDiscord, guild: Guild) -> Member:
    return world.add_member(guild, "bob")


def list_buttons(reply: Interaction) -> dict[str, bool]:
    """Return the buttons of an answer, and whether each is enabled."""
    assert reply.message is not None
    return {
        button["label"]: not button.get("disabled", False) for button in reply.message.interactive_components
    }


async def turn(reply: Interaction, label: str, title: str) -> None:
    """Press a button and wait for its page."""
    await (await reply.click(label)).wait_for_acknowledgement()
    await reply.wait_until(lambda one: one.embed.get("title") == title)


async def press_too_late(world: SimulatedDiscord, reply: Interaction, label: str) -> None:
    """Press a button, and let Discord refuse the acknowledgement."""
    late = world.faults.add(replace(TOO_LATE))
    await reply.click(label)
    await world.until(lambda: late.struck == 1, what="the acknowledgement")
    await world.settle()


async def wait_for_decision(bot: SmallBot) -> bool | None:
    """Return the choice of a confirmation."""
    async with asyncio.timeout(60):
        return await bot.practice.decisions.get()


def end_time(bot: SmallBot) -> None:
    """End the time of the last answer's buttons, like the library."""
    assert bot.practice.shown is not None
    bot.practice.shown._dispatch_timeout()


def has_ended(reply: Interaction) -> bool:
    """Tell whether all buttons are disabled."""
    return not any(list_buttons(reply).values())


@pytest.mark.usefixtures("bot")
async def test_pages_are_turned_both_ways(alice: Member, channel: Channel) -> None:
    """At each end of the list the button without a page is disabled."""
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
    """A list that shrank shows its new last page, and the only page has no buttons."""
    reply = await alice.ask(channel, "/pages")
    await turn(reply, "Next", "Page 2")
    bot.practice.pages = 1
    await turn(reply, "Next", "Page 1")
    assert list_buttons(reply) == {}


@pytest.mark.usefixtures("bot")
async def test_only_the_invoker_turns_pages(alice: Member, bob: Member, channel: Channel) -> None:
    """Other members get a private refusal, and the page stays."""
    reply = await alice.ask(channel, "/pages")
    assert reply.message is not None
    pressed = await (await bob.press(reply.message, "Next")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (NOT_YOURS, True)
    assert reply.embed["title"] == "Page 1"


async def test_failing_page_is_told_and_the_list_stays(
    bot: SmallBot, alice: Member, channel: Channel
) -> None:
    """A database that is away for one press affects only that press."""
    reply = await alice.ask(channel, "/pages")
    bot.practice.pages, bot.practice.error = 0, StorageUnavailableError("away")
    pressed = await reply.click("Next")
    await pressed.wait_until(lambda one: bool(one.followups))
    assert pressed.followups[0].is_ephemeral
    assert f"`{REFERENCE}`" in pressed.followups[0].embed["description"]
    bot.practice.pages = 3
    await turn(reply, "Next", "Page 2")


async def test_buttons_end_visibly_after_their_time(bot: SmallBot, alice: Member, channel: Channel) -> None:
    """Ended buttons look disabled, whether they were pressed or not."""
    bot.practice.view_seconds = 0.3
    reply = await alice.ask(channel, "/pages")
    await reply.wait_until(has_ended)
    assert reply.embed["title"] == "Page 1"


async def test_buttons_end_on_the_page_that_was_turned_to(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """The command's own token may have expired; the newest press has a fresh one."""
    reply = await alice.ask(channel, "/pages")
    world.clock.advance(16 * 60)
    await turn(reply, "Next", "Page 2")
    end_time(bot)
    await reply.wait_until(has_ended)
    assert reply.embed["title"] == "Page 2"


async def test_pages_end_visibly_after_a_press_that_failed(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """A press without an acknowledgement has no usable token, so the one before it is used."""
    reply = await alice.ask(channel, "/pages")
    await press_too_late(world, reply, "Next")
    end_time(bot)
    await reply.wait_until(has_ended)
    assert reply.embed["title"] == "Page 1"


async def test_ended_buttons_that_cannot_be_shown_as_such_are_left(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """If the message is deleted, nothing happens."""
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
    """Buttons of the earlier process are still visible; a press gets an answer."""
    async with running_bot(SmallBot(shelf.build_services()), world):
        reply = await alice.ask(channel, "/pages")
    async with running_bot(SmallBot(shelf.build_services()), world):
        pressed = await (await reply.click("Next")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (ENDED, True)


@pytest.mark.parametrize(("label", "is_confirmed"), [("Remove", True), ("Cancel", False)])
async def test_question_ends_with_the_first_answer(
    bot: SmallBot, alice: Member, channel: Channel, label: str, *, is_confirmed: bool
) -> None:
    """Either button decides, and both are disabled afterwards."""
    reply = await alice.ask(channel, "/sure")
    await (await reply.click(label)).wait_for_acknowledgement()
    assert await wait_for_decision(bot) is is_confirmed
    assert has_ended(reply)


async def test_first_press_decides_when_both_buttons_are_pressed(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """A member who presses Cancel and then the other button has cancelled."""
    reply = await alice.ask(channel, "/sure")
    may_answer = asyncio.Event()
    world.faults.add(Fault(method="POST", route=CALLBACK, held=may_answer))
    first, second = await reply.click("Cancel"), await reply.click("Remove")
    await second.wait_for_acknowledgement()
    may_answer.set()
    await first.wait_for_acknowledgement()
    assert await wait_for_decision(bot) is False


@pytest.mark.parametrize(("label", "is_confirmed"), [("Remove", True), ("Cancel", False)])
async def test_yes_that_discord_called_failed_does_not_count(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel, label: str, *, is_confirmed: bool
) -> None:
    """A member who reads "This interaction failed" believes in no effect, so the next press decides."""
    reply = await alice.ask(channel, "/sure")
    await press_too_late(world, reply, "Remove")
    assert (list_buttons(reply), reply.followups) == ({"Remove": True, "Cancel": True}, [])
    await (await reply.click(label)).wait_for_acknowledgement()
    assert await wait_for_decision(bot) is is_confirmed
    assert has_ended(reply)


async def test_question_ends_visibly_after_a_press_that_failed(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """Without an answer nothing is confirmed."""
    reply = await alice.ask(channel, "/sure")
    await press_too_late(world, reply, "Remove")
    end_time(bot)
    assert await wait_for_decision(bot) is None
    await reply.wait_until(has_ended)


async def wait_for_lost_press(pressed: Interaction, reply: Interaction) -> Message:
    """Return the message that follows a press, as an answer or as a follow-up."""

    def find(press: Interaction) -> list[Message]:
        answers = [press.original, *press.followups]
        return [one for one in answers if one is not None and one is not reply.message]

    await pressed.wait_until(lambda one: bool(find(one)))
    [told] = find(pressed)
    return told


@pytest.mark.parametrize(("label", "is_confirmed"), [("Remove", True), ("Cancel", False)])
@pytest.mark.parametrize(
    "faults",
    [[Fault(method="POST", route=CALLBACK, cut="before", times=2)], TAKEN_AND_LOST],
    ids=["never taken", "perhaps taken"],
)
async def test_yes_whose_connection_broke_does_not_count(
    bot: SmallBot,
    world: SimulatedDiscord,
    alice: Member,
    channel: Channel,
    faults: list[Fault],
    label: str,
    *,
    is_confirmed: bool,
) -> None:
    """The member is informed and can press again, even if Discord shows the buttons disabled."""
    reply = await alice.ask(channel, "/sure")
    for fault in faults:
        world.faults.add(replace(fault))
    pressed = await reply.click("Remove")
    told = await wait_for_lost_press(pressed, reply)
    assert (told.embed["description"], told.is_ephemeral) == (str(LOST_PRESS), True)
    assert list_buttons(reply) == {"Remove": True, "Cancel": True}
    await (await reply.click(label)).wait_for_acknowledgement()
    assert await wait_for_decision(bot) is is_confirmed


async def test_yes_counts_once_when_only_its_confirmation_was_lost(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """Discord has the first acknowledgement; the second try finds that out."""
    reply = await alice.ask(channel, "/sure")
    world.faults.add(Fault(method="POST", route=CALLBACK, cut="after"))
    pressed = await reply.click("Remove")
    assert await wait_for_decision(bot) is True
    assert (has_ended(reply), pressed.followups) == (True, [])


async def test_no_stops_a_yes_that_is_still_on_its_way(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """The action has not begun yet, and does not begin."""
    reply = await alice.ask(channel, "/sure")
    may_answer = asyncio.Event()
    world.faults.add(Fault(method="POST", route=CALLBACK, held=may_answer))
    presses = [await reply.click("Remove"), await reply.click("Cancel")]
    assert await wait_for_decision(bot) is False
    may_answer.set()
    for press in presses:
        await press.wait_for_acknowledgement()
    assert has_ended(reply)


async def test_yes_that_is_pressed_again_counts_while_the_first_is_on_its_way(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """One accepted press is enough, and a later failed one does not undo it."""
    reply = await alice.ask(channel, "/sure")
    may_answer = asyncio.Event()
    world.faults.add(replace(TOO_LATE, held=may_answer))
    first, second = [await reply.click("Remove") for _ in range(2)]
    await second.wait_for_acknowledgement()
    assert await wait_for_decision(bot) is True
    may_answer.set()
    await world.settle()
    assert (first.is_acknowledged, bot.practice.decisions.empty()) == (False, True)


async def test_no_counts_at_once_whether_or_not_it_is_acknowledged(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """A cancellation does not wait, because it has no effect."""
    reply = await alice.ask(channel, "/sure")
    world.faults.add(Fault(method="POST", route=CALLBACK, cut="before", times=2))
    await reply.click("Cancel")
    assert await wait_for_decision(bot) is False


async def test_question_nobody_answers_decides_nothing(
    bot: SmallBot, alice: Member, channel: Channel
) -> None:
    """Without an answer nothing is confirmed."""
    bot.practice.view_seconds = 0.3
    reply = await alice.ask(channel, "/sure")
    assert await wait_for_decision(bot) is None
    await reply.wait_until(has_ended)


async def test_question_is_for_the_invoker_alone(
    bot: SmallBot, alice: Member, bob: Member, channel: Channel
) -> None:
    """Other members cannot confirm the question."""
    reply = await alice.ask(channel, "/sure")
    assert reply.message is not None
    pressed = await (await bob.press(reply.message, "Remove")).wait()
    assert (pressed.content, bot.practice.decisions.empty()) == (NOT_YOURS, True)


def test_foreign_buttons_are_never_called_ended() -> None:
    """Only buttons with the bot's own prefix can have ended."""
    live = LiveViews()
    live.add(f"{CUSTOM_ID_PREFIX}1")
    ended = {
        name: live.is_ended(name) for name in (f"{CUSTOM_ID_PREFIX}1", f"{CUSTOM_ID_PREFIX}2", "else", "")
    }
    assert ended == {f"{CUSTOM_ID_PREFIX}1": False, f"{CUSTOM_ID_PREFIX}2": True, "else": False, "": False}
    live.remove(f"{CUSTOM_ID_PREFIX}1")
    assert live.is_ended(f"{CUSTOM_ID_PREFIX}1")
