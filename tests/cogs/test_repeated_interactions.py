"""Discord may send an interaction twice: the bot runs the first and ignores the second."""

import pytest

from simulation.discord import Channel, Guild, Interaction, Member, SimulatedDiscord
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.small_bot import Shelf
from utils.interactions.live_views import REMEMBERED_INTERACTIONS, LiveViews


async def send_again(world: SimulatedDiscord, interaction: Interaction) -> None:
    """Send an interaction once more, and wait until all requests have ended."""
    guild = interaction.channel.guild
    world.events.dispatch("INTERACTION_CREATE", interaction.payload, guild=guild)
    await world.settle()


def list_answers(world: SimulatedDiscord) -> list[tuple[str, str]]:
    """Return the bot's requests since the start, without the registration of commands."""
    return [
        (one.method, one.path)
        for one in world.requests
        if "/interactions/" in one.path or "webhooks" in one.path
    ]


async def test_command_that_comes_twice_is_carried_out_once(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, manager: Member, alice: Member, channel: Channel
) -> None:
    """Money is booked once, and no failure is reported."""
    reply = await manager.ask(channel, "/admin wallet", member=alice, amount=500, reason="prize")
    answers = list_answers(world)
    await send_again(world, reply)
    assert list_answers(world) == answers
    assert [row.balance for row in shelf.money.data.ledger] == [500]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_press_that_comes_twice_counts_once(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A repeated press has no effect, even after the first one removed the buttons."""
    asked = await manager.ask(channel, "/admin server remove", server="Mirny")
    pressed = await asked.click("Remove")
    await asked.wait_until(lambda one: "removed" in one.embed["title"])
    answers = list_answers(world)
    await send_again(world, pressed)
    assert list_answers(world) == answers
    assert len(shelf.servers.servers) == 1
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


@pytest.mark.parametrize("fields", [{"Password": "x"}, {}], ids=["taken", "refused"])
async def test_form_that_comes_twice_is_taken_once(
    bot: OwnBot,
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    fields: dict[str, str],
) -> None:
    """The form ends with the first submission; the second gets no answer."""
    assert guild.members
    form = {"name": "North", "host": "192.0.2.10", "username": "renter"}
    opened = await (await manager.invoke(channel, "/admin server add", **form)).wait()
    sent = await (await opened.submit_modal(fields)).wait()
    await wait_until(lambda: not bot._connection._modal_store._modals)
    answers, servers = list_answers(world), dict(shelf.servers.servers)
    await send_again(world, sent)
    assert (list_answers(world), shelf.servers.servers) == (answers, servers)
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


def test_remembered_interactions_are_bounded() -> None:
    """The oldest interaction is forgotten, because none comes again so late."""
    views = LiveViews()
    views._had = {(number, "press"): None for number in range(REMEMBERED_INTERACTIONS)}

    class Arrived:
        """An interaction with only an id."""

        id = REMEMBERED_INTERACTIONS

    assert [views.is_repeated(Arrived(), "press") for _ in range(2)] == [False, True]  # type: ignore[arg-type]
    assert len(views._had) == REMEMBERED_INTERACTIONS
    assert (0, "press") not in views._had
