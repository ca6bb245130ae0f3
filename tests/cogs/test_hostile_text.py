"""Hostile text in every text option of every command."""

import pytest

from simulation.discord import Channel, Guild, SimulatedDiscord
from tests.cogs.conftest import PIKE
from tests.fakes.hostile import HOSTILE, Attacker, find_harm, find_harmful_choices, list_places
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.models.scope import MemberId, PlayerId

KNOWN = {"player": PIKE, "first": PIKE, "second": "Spiker", "server": "Mirny", "host": "192.0.2.10"}
FEWEST_PLACES = 40  # so that the walk over the command set cannot miss a group


@pytest.fixture(name="attacker")
def _attacker(world: SimulatedDiscord, guild: Guild, channel: Channel, shelf: Shelf, bot: OwnBot) -> Attacker:
    """The owner of the guild and the bot, with money and a proven player, so that every command is open."""
    assert bot.services
    owner_id = MemberId(guild.owner.id)
    shelf.money.data.members[PlayerId("e" * 32)] = owner_id
    shelf.money.data.balances[owner_id] = 10_000
    shelf.owners.owner_ids = (guild.owner.id,)
    return Attacker(world.owner_of(guild), channel, KNOWN)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_is_answered_and_harmless_in_every_option(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, attacker: Attacker, text: str
) -> None:
    """Every option replies without a bug, a mention, foreign markup or an id."""
    places = list(list_places(world.commands.list_commands(None)))
    assert len(places) >= FEWEST_PLACES
    for place in places:
        replies = await attacker.attack(place, text)
        shown = [reply.message for reply in replies if reply.message is not None]
        assert (find_harm(shown), shelf.reporter.reported, bot.unexpected.reported) == ([], [], []), place
        assert replies[-1].is_answered, place
    assert find_harm(attacker.channel.all_messages) == []
    assert world.contract_violations == []


@pytest.mark.parametrize(
    ("option", "foreign"),
    [("player", "0123456789abcdef" * 2), ("server", "k3v9x2bb"), ("first", "f" * 32), ("second", "f" * 32)],
)
async def test_id_of_another_community_is_unknown_everywhere_and_repeated_nowhere(
    world: SimulatedDiscord, shelf: Shelf, attacker: Attacker, option: str, foreign: str
) -> None:
    """An id of another community's player or server finds nothing, and no answer repeats it."""
    places = [one for one in list_places(world.commands.list_commands(None)) if one.option == option]
    assert places
    for place in places:
        if place.command.startswith("/admin board "):  # this bot has no posted boards
            continue
        [reply] = await attacker.attack(place, foreign)
        assert reply.embed["title"] == "🔎 Not found", place
        assert foreign not in str(reply.embed), place
        assert reply.is_ephemeral, place
    assert shelf.reporter.reported == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_is_met_with_choices_or_none_while_it_is_typed(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, attacker: Attacker, text: str
) -> None:
    """Autocomplete answers every keystroke, with readable names, at the rate at which it looks them up."""
    places = [place for place in list_places(world.commands.list_commands(None)) if place.is_completed]
    for place in places:
        shelf.clock.move(1)
        choices = await attacker.type(place, text)
        assert (find_harmful_choices(choices), shelf.reporter.reported) == ([], []), place
    assert bot.unexpected.reported == []
