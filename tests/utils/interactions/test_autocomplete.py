"""Autocomplete: the choices while a person types."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulation.discord import Channel, Guild, Member
from tests.fakes.small_bot import Shelf, SmallBot
from tests.fakes.storage import build_server
from utils.errors import StorageUnavailableError
from utils.models.labels import make_mark
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, PlayerId, ServerId

SEEN = datetime(2025, 4, 30, 18, 5, tzinfo=UTC)


def build_player(name: str, number: int, *, kills: int = 0, servers: tuple[str, ...] = ("a",)) -> KnownPlayer:
    """Return a player with an id of its own."""
    ids = tuple(ServerId(server) for server in servers)
    return KnownPlayer(PlayerId(f"{number:032x}"), name, (name,), kills, SEEN, ids)


@pytest.fixture(name="offer")
def _offer(bot: SmallBot, alice: Member, channel: Channel) -> "Offer":
    assert bot.guilds is not None
    return Offer(alice, channel)


class Offer:
    """Types into an option of ``/find``."""

    def __init__(self, member: Member, channel: Channel) -> None:
        self._member = member
        self._channel = channel

    async def __call__(self, option: str, typed: str) -> dict[str, str]:
        """Return the choices, value by name."""
        choices = await self._member.autocomplete(self._channel, "/find", option, typed)
        return {choice["name"]: choice["value"] for choice in choices}


async def test_players_are_offered_by_name_and_chosen_by_id(offer: Offer, shelf: Shelf) -> None:
    """Any part of a name matches, most kills first; the value is the invisible id."""
    shelf.statistics.players = [
        build_player("Pike", 1),
        build_player("spiker", 2, kills=5),
        build_player("x", 3),
    ]
    assert await offer("player", "PIK") == {"spiker": f"{2:032x}", "Pike": f"{1:032x}"}


async def test_two_players_of_one_name_are_told_apart(offer: Offer, shelf: Shelf, guild: Guild) -> None:
    """A name that occurs twice has last seen, a mark and the server; other names do not."""
    guild_id = GuildId(guild.id)
    servers = [build_server("Mirny", "a", guild_id=guild_id), build_server("Kamensk", "b", guild_id=guild_id)]
    shelf.servers.servers = {server.scope: server for server in servers}
    shelf.statistics.players = [
        build_player("Twin", 1, kills=9),
        build_player("Twin", 2, kills=8, servers=("a", "b")),
        build_player("Twin", 3, kills=7, servers=("gone",)),
        build_player("Twinkle", 4),
    ]
    assert await offer("player", "twin") == {
        f"Twin · {make_mark(f'{1:032x}')} · 30 Apr 2025, 18:05 UTC · Mirny": f"{1:032x}",
        f"Twin · {make_mark(f'{2:032x}')} · 30 Apr 2025, 18:05 UTC · Mirny, Kamensk": f"{2:032x}",
        f"Twin · {make_mark(f'{3:032x}')} · 30 Apr 2025, 18:05 UTC · a removed server": f"{3:032x}",
        "Twinkle": f"{4:032x}",
    }


@pytest.mark.parametrize("copies", [1, 2])
async def test_choices_fit_into_a_hundred_characters(
    offer: Offer, shelf: Shelf, guild: Guild, copies: int
) -> None:
    """Discord refuses all choices if one is too long or blank."""
    names = ("x" * 150, "\u200b\u3164", "x" * 150)[: copies + 1]
    server = build_server("y" * 50, "a", guild_id=GuildId(guild.id))
    other = replace(build_server("z" * 50, "b", guild_id=GuildId(guild.id)))
    shelf.servers.servers = {server.scope: server, other.scope: other}
    shelf.statistics.players = [
        build_player(name, number, servers=("a", "b")) for number, name in enumerate(names)
    ]
    offered = await offer("player", "")
    assert len(offered) == 2 if copies == 1 else offered
    assert all(1 <= len(name) <= 100 for name in offered)
    assert "(no visible name)" in offered


async def test_at_most_twenty_five_choices_are_offered(offer: Offer, shelf: Shelf, guild: Guild) -> None:
    """Discord's limit is 25; the players with most kills are among them."""
    shelf.statistics.players = [
        build_player(f"player {number}", number, kills=number) for number in range(60)
    ]
    assert list(await offer("player", "")) == [f"player {number}" for number in range(59, 34, -1)]
    servers = [build_server(f"s{number}", f"id{number}", guild_id=GuildId(guild.id)) for number in range(30)]
    shelf.servers.servers = {server.scope: server for server in servers}
    assert len(await offer("server", "")) == 25


async def test_servers_are_those_of_the_guild(offer: Offer, shelf: Shelf, guild: Guild) -> None:
    """Servers are shown by name and chosen by id; servers of other guilds are never offered."""
    here, there = build_server("Mirny", "a", guild_id=GuildId(guild.id)), build_server("Mirny II", "b")
    shelf.servers.servers = {server.scope: server for server in (here, there)}
    assert await offer("server", "mIR") == {"Mirny": "a"}
    assert await offer("server", "kamensk") == {}


async def test_server_with_a_strange_name_is_offered_by_what_can_be_read(
    offer: Offer, shelf: Shelf, guild: Guild
) -> None:
    """One choice that Discord refuses would make it refuse all."""
    names = {"a": "Mir\0ny", "b": "\u202eynriM\u2066", "c": "\u200b"}
    servers = [build_server(name, key, guild_id=GuildId(guild.id)) for key, name in names.items()]
    shelf.servers.servers = {server.scope: server for server in servers}
    assert await offer("server", "") == {"Mirny": "a", "ynriM": "b", "(no visible name)": "c"}


async def test_nothing_is_offered_when_the_database_is_away(offer: Offer, shelf: Shelf) -> None:
    """No choices are better than an error while typing; the next keystroke asks again."""
    shelf.statistics.players = [build_player("Pike", 1)]
    shelf.statistics.failures.append(StorageUnavailableError("away"))
    shelf.servers.failures.append(StorageUnavailableError("away"))
    assert await offer("player", "p") == {}
    assert await offer("server", "m") == {}
    assert await offer("player", "pi") == {"Pike": f"{1:032x}"}


@pytest.mark.usefixtures("bot")
async def test_chosen_values_reach_the_command(alice: Member, channel: Channel) -> None:
    """The command gets the values of the chosen choices."""
    assert (await alice.ask(channel, "/find", player="p1", server="s1")).content == "p1 s1"
