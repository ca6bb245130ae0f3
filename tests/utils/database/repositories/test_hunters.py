"""The board of bounties on a real mongod: most claims by server and period."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.hunters import HunterRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.money_unit import MoneyTransaction
from utils.models.money import Bounty, BountyEnd, BountyState
from utils.models.players import BoardRow, Counters, PlayerDay, PlayerRecord
from utils.models.scope import GuildId, MemberId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.statistics import CoveredDeaths

MIDNIGHT = datetime(2025, 5, 1, tzinfo=UTC)
MEMBER = MemberId(7)
ANNA, BERT, CARL = PlayerId("a"), PlayerId("b"), PlayerId("c")


class Hunt:
    """Claimed bounties on servers of two guilds."""

    def __init__(self, database: SafeDatabase) -> None:
        self.hunters = HunterRepository(database)
        self.bounties = BountyRepository(database, fences=lambda _: None)
        self._count = 0

    async def claim(
        self,
        scope: ServerScope,
        hunter: PlayerId,
        amount: int,
        *,
        name: str = "as it was",
        at: datetime = MIDNIGHT,
        state: BountyState = BountyState.CLAIMED,
    ) -> None:
        """Place a bounty of the bot and end it."""
        self._count += 1
        placed_at = at - timedelta(hours=1)
        bounty = Bounty(scope, str(self._count), PlayerId("prey"), "Prey", amount, None, placed_at, placed_at)

        def store(unit: MoneyTransaction) -> None:
            unit.insert_bounty(bounty)
            if state is BountyState.CLAIMED:
                unit.close_bounty(bounty, BountyEnd(state, at, MEMBER, hunter, name))
            elif state is not BountyState.OPEN:
                unit.close_bounty(bounty, BountyEnd(state, at))

        await self.bounties.in_transaction(scope, store)


@pytest.fixture(name="hunt")
async def _hunt(
    database: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
) -> Hunt:
    """Anna, Bert and Carl claimed the same sum; Dora has no figures; others claimed elsewhere."""
    figures = {
        scope: [make_player(ANNA, name="Anna", deaths=1), make_player(BERT, name="Bert", deaths=2)],
        neighbour: [make_player(CARL, name="Carl", deaths=2, kills=9)],
        stranger: [make_player(ANNA, name="Foreign")],
    }
    for one, players in figures.items():
        await servers.insert_server(one, make_server(one))
        await imports.write_generation(one, 0, players=players, days=[], months=[])
    days = [
        PlayerDay(ANNA, date(2025, 5, 1), Counters(deaths=1)),
        PlayerDay(BERT, date(2025, 5, 1), Counters()),
    ]
    await imports.write_generation(scope, 0, players=[], days=days, months=[])
    hunt = Hunt(database)
    await hunt.claim(scope, ANNA, 200, at=MIDNIGHT - timedelta(milliseconds=1))
    await hunt.claim(scope, ANNA, 500)
    await hunt.claim(scope, BERT, 500)
    await hunt.claim(scope, BERT, 200, at=MIDNIGHT - timedelta(days=1))
    await hunt.claim(neighbour, CARL, 700)
    await hunt.claim(scope, PlayerId("d"), 50, name="Dora", at=MIDNIGHT - timedelta(days=2))
    await hunt.claim(scope, PlayerId("d"), 50, name="Dora Gone", at=MIDNIGHT - timedelta(days=1))
    for state in (BountyState.EXPIRED, BountyState.CANCELLED, BountyState.WITHDRAWN, BountyState.OPEN):
        await hunt.claim(scope, ANNA, 9000, state=state)
    await hunt.claim(stranger, ANNA, 9000)
    return hunt


async def test_hunters_are_ranked_by_what_they_claimed(
    hunt: Hunt, scope: ServerScope, neighbour: ServerScope, stranger: ServerScope
) -> None:
    """Claims are summed over servers; ties are decided by deaths, then by name.

    A name without figures comes last.
    """
    both = [scope.server_id, neighbour.server_id]
    found = await hunt.hunters.list_hunters(CoveredDeaths(scope.guild_id, both))
    assert found == (
        BoardRow(1, ANNA, "Anna", 700.0, Counters(deaths=1), claims=2),
        BoardRow(2, BERT, "Bert", 700.0, Counters(deaths=2), claims=2),
        BoardRow(3, CARL, "Carl", 700.0, Counters(kills=9, deaths=2), claims=1),
        BoardRow(4, PlayerId("d"), "Dora Gone", 100.0, Counters(), claims=2),
    )
    here = await hunt.hunters.list_hunters(CoveredDeaths(scope.guild_id, [scope.server_id]))
    assert here == (*found[:2], replace(found[3], rank=3))
    foreign = await hunt.hunters.list_hunters(CoveredDeaths(stranger.guild_id, [stranger.server_id]))
    assert [(row.name, row.value) for row in foreign] == [("Foreign", 9000.0)]
    assert await hunt.hunters.list_hunters(CoveredDeaths(GuildId(99), both)) == ()


async def test_period_counts_claims_and_deaths_of_its_days(hunt: Hunt, scope: ServerScope) -> None:
    """A claim in the first moment of a day belongs to that day, a claim one moment earlier does not."""
    found = await hunt.hunters.list_hunters(
        CoveredDeaths(scope.guild_id, [scope.server_id], since=date(2025, 5, 1), since_at=MIDNIGHT)
    )
    assert found == (
        BoardRow(1, BERT, "Bert", 500.0, Counters(), claims=1),
        BoardRow(2, ANNA, "Anna", 500.0, Counters(deaths=1), claims=1),
    )


async def test_season_counts_claims_until_its_last_day_is_over(hunt: Hunt, scope: ServerScope) -> None:
    """A claim in the last moment of a day belongs to it, a claim one moment later does not."""
    covered = CoveredDeaths(
        scope.guild_id,
        [scope.server_id],
        since=date(2025, 4, 30),
        since_at=MIDNIGHT - timedelta(days=1),
        until=date(2025, 4, 30),
        until_at=MIDNIGHT,
    )
    found = await hunt.hunters.list_hunters(covered)
    assert [(row.name, row.value, row.counters) for row in found] == [
        ("Anna", 200.0, Counters()),
        ("Bert", 200.0, Counters()),
        ("Dora Gone", 50.0, Counters()),
    ]
