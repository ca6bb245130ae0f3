"""Players whom only Deadside.log knows."""

import asyncio

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.figures import FakePlaytimeStore, FakeStatisticsStore
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import AmbiguousError, NotFoundError
from utils.events import PlayerErased
from utils.models.players import KnownPlayer
from utils.models.scope import ServerId
from utils.services.players.player_names import PlayerNames
from utils.services.players.seen_players import KEPT_SECONDS, SeenPlayers
from utils.tasks import TaskManager

GUILD = SCOPE.guild_id


def build_known(name: str, *, kills: int = 0, key: str = "") -> KnownPlayer:
    """Return a player of the server."""
    return KnownPlayer(build_player_id(key or name), name, (name,), kills, START, (SCOPE.server_id,))


class Gate:
    """A guild with two players of deaths and three of Deadside.log, one of whom is in both."""

    def __init__(self) -> None:
        self.clock, self.log = FakeClock(), FakePlaytimeStore()
        deaths = FakeStatisticsStore(build_known("Wolf", kills=5), build_known("Bear", kills=2))
        self.log.seen = [build_known("Wolfram"), build_known("Wolf"), build_known("Elk")]
        servers = FakeServerStore(build_server())
        names = PlayerNames(deaths, servers, TaskManager(self.clock), clock=self.clock)
        self.players = SeenPlayers(self.log, names, clock=self.clock)

    async def search(self, text: str, limit: int = 25) -> list[str]:
        """Return the names that are offered."""
        return [one.name for one in await self.players.search(GUILD, text, limit=limit)]


@pytest.fixture(name="gate")
async def _gate() -> Gate:
    gate = Gate()
    await gate.players.resolve(GUILD, "Wolf")
    return gate


async def test_seen_players_are_offered_behind_the_others_and_read_once(gate: Gate) -> None:
    """A player of both is offered once; many keystrokes at one moment cost one read in ten minutes."""
    assert await gate.search("wol") == ["Wolf", "Wolfram"]
    assert await gate.search("wol", limit=1) == ["Wolf"]
    await asyncio.gather(*(gate.search(text) for text in ("e", "el", "elk", "elk", "")))
    assert (await gate.search("elk"), gate.log.asked) == (["Elk"], 1)
    gate.log.seen.append(build_known("Elkhart"))
    gate.clock.move(KEPT_SECONDS)
    assert (await gate.search("elk"), gate.log.asked) == (["Elk", "Elkhart"], 2)


async def test_seen_player_is_found_by_id_and_name(gate: Gate) -> None:
    """Players of deaths go first; a part of a name is enough if it fits one."""
    assert (await gate.players.resolve(GUILD, build_player_id("Elk"))).name == "Elk"
    assert (await gate.players.resolve(GUILD, "ELK")).name == "Elk"
    assert (await gate.players.resolve(GUILD, "wolfr")).name == "Wolfram"
    assert (await gate.players.resolve(GUILD, "Wol")).name == "Wolf"
    with pytest.raises(NotFoundError):
        await gate.players.resolve(GUILD, "Lynx")
    with pytest.raises(NotFoundError):
        await gate.players.resolve(GUILD, "Elk", server_ids=[ServerId("another1")])
    gate.log.seen.append(build_known("Elk", key="another"))
    gate.clock.move(KEPT_SECONDS)
    with pytest.raises(AmbiguousError) as several:
        await gate.players.resolve(GUILD, "Elk")
    assert len(several.value.choices) == 2


async def test_erased_name_is_not_offered_any_more(gate: Gate) -> None:
    """The names are read again, although they were read a moment ago."""
    assert await gate.search("elk") == ["Elk"]
    gate.log.seen = gate.log.seen[:2]
    gate.players.on_player_erased(PlayerErased(guild_id=GUILD))
    assert await gate.search("elk") == []
