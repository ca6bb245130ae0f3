"""Exports from a real database: all data of the person, and no data of others that they may not see."""

from datetime import UTC, datetime

import pytest

from tests.fakes.deaths import build_player_id, build_row
from tests.utils.database.repositories.test_erasures import ADMIN, OTHER, OWNER, WOLF, Place, fill
from utils.database.core.database import SafeDatabase
from utils.database.repositories.personal_data import DEATHS_AT_ONCE, PersonalDataRepository
from utils.database.repositories.premium import PremiumRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.premium import PremiumAction, PremiumEvent
from utils.models.scope import MemberId, ServerScope

NOW = datetime(2025, 5, 2, tzinfo=UTC)


@pytest.fixture(name="place")
async def _place(database: SafeDatabase, scope: ServerScope) -> Place:
    place = await Place(database, scope).open()
    await fill(place)
    return place


@pytest.fixture(name="data")
def _data(database: SafeDatabase) -> PersonalDataRepository:
    return PersonalDataRepository(database)


async def test_parts_of_a_member_are_all_that_names_him(place: Place, data: PersonalDataRepository) -> None:
    """The parts are links, money, bounties, changes by hand and grants, without ids of other people."""
    premium = PremiumRepository(place.database)
    for member_id in (OWNER, OTHER):
        event = PremiumEvent(NOW, PremiumAction.GRANTED, 2, NOW, member_id)
        entry = AuditEntry(NOW, member_id, AuditAction.PREMIUM_GRANT, AuditFacts())
        await premium.write_grant(place.scope.guild_id, None, event, entry=entry)
    parts = await data.list_parts_of_member(place.scope.guild_id, OWNER)
    assert {name: len(documents) for name, documents in parts.items()} == {
        "links": 1,
        "wallet": 1,
        "ledger": 2,
        "bounties_placed": 1,
        "bounties_claimed": 1,
        "changes_by_hand": 4,
        "changes_about": 2,
        "premium_granted": 1,
        "levels": 0,
        "role_rules": 0,
        "role_grants": 0,
        "faction_memberships": 0,
        "faction_invitations": 0,
        "direct_messages_asked_for": 0,
        "direct_messages_waiting": 0,
        "errors": 0,
    }
    assert [row["amount"] for row in parts["ledger"]] == [-200, 1000]
    assert parts["bounties_claimed"][0]["player_name"] == "Carl"
    text = repr(parts)
    assert (str(OTHER) in text, str(ADMIN) in text) == (False, False)
    assert [name in text for name in map(build_player_id, ("Anna", "Carl", "Dora"))] == [False] * 3
    nobody = await data.list_parts_of_member(place.scope.guild_id, MemberId(1))
    assert [documents for documents in nobody.values() if documents] == []


async def test_parts_of_a_player_are_those_of_the_shown_figures(
    place: Place, data: PersonalDataRepository
) -> None:
    """The parts are counters, days, bounties on the player and lines with their id, without an import's."""
    await place.imports.write_generation(place.scope, 7)
    parts = await data.list_parts_of_player(place.scope, WOLF)
    assert {name: len(documents) for name, documents in parts.items()} == {
        "figures": 1,
        "days": 1,
        "rejected_lines": 1,
        "presence": 0,
        "sessions": 0,
        "playtime": 0,
        "bounties": 2,
    }
    assert parts["figures"][0]["counters"]["kills"] == 1
    assert parts["rejected_lines"][0]["line"] == f"x;Wolf;{WOLF.upper()};y"
    assert [("placer_id" in one, "claimer_id" in one) for one in parts["bounties"]] == [(False, False)] * 2
    of_guild = await data.list_guild_parts_of_player(place.scope.guild_id, WOLF)
    assert {name: len(documents) for name, documents in of_guild.items()} == {
        "changes_about": 3,
        "links": 1,
        "proof_attempts": 1,
        "season_results": 0,
    }
    [link] = of_guild["links"]
    assert link["member_id"] == OWNER
    assert (str(OTHER) in repr(of_guild), str(ADMIN) in repr(of_guild)) == (False, False)


async def test_each_death_is_handed_out_once(place: Place, data: PersonalDataRepository) -> None:
    """Deaths between the person's own players and suicides are exported once; many come in batches."""
    rows = [build_row("Anna", "Wolf", second=2_000 + number) for number in range(DEATHS_AT_ONCE + 5)]
    await place.write([*rows, build_row("Wolf", "Wolf", second=1), build_row("Bert", "Carl", second=2)])
    players = [WOLF, build_player_id("Anna")]
    batches = [batch async for batch in data.iterate_deaths(place.scope, players)]
    deaths = [death for batch in batches for death in batch]
    others = {build_player_id("Bert"), build_player_id("Carl")}
    own = [one["_id"] for one in await place.read("kills") if one["killer_id"] not in others]
    assert sorted(death["_id"] for death in deaths) == sorted(own)
    assert len(deaths) == DEATHS_AT_ONCE + 5 + 3
    assert len(batches) > 2
    assert {death["read_at"] for death in deaths} == {place.clock.now()}


async def test_servers_are_named_with_removed_ones(
    place: Place, data: PersonalDataRepository, stranger: ServerScope
) -> None:
    """Kept statistics of removed servers belong to the person too; servers of other guilds do not."""
    await Place(place.database, stranger).open()
    assert await data.list_servers(place.scope.guild_id) == {place.scope: "North"}
    assert [batch async for batch in data.iterate_deaths(stranger, [WOLF])] == []
