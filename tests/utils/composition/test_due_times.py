"""Due times after a restore: ends are carried out, and no post, alert or message comes of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fakes.deaths import build_player_id
from tests.fakes.seasons import build_season
from utils.clock import SystemClock
from utils.composition.due_times import PendingDueTimes, pass_over_due
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.leases import RESTORE_LEASE, LeaseRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.recaps import RecapRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.links import Link, ProofWindow
from utils.models.money import Bounty, Change, LedgerKind
from utils.models.notifications import DirectEvent, tell_placer
from utils.models.premium import Grant, PremiumAction, PremiumEvent
from utils.models.recaps import PlannedRecap, RecapKind, build_span
from utils.models.restores import RestoreFacts
from utils.models.roles import GrantState, RoleGrant, RoleId
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.services.money.money_stores import MoneyUnit
from utils.services.personal.notifications import NotificationService

SINCE = datetime(2025, 5, 1, 4, tzinfo=UTC)
NOW = SINCE + timedelta(hours=8)
GUILDS = (GuildId(42), GuildId(43))
MEMBER = MemberId(7)
FENCE = Fence(RESTORE_LEASE, 5)


async def fill(database: SafeDatabase, guild_id: GuildId) -> None:
    """Store a bounty, a season and a grant that are over, some that are not, and a request for a link."""
    scope = ServerScope(guild_id, ServerId("aaaaaaaa"))

    def place(unit: object) -> None:
        for name, expires_at in (("over", NOW - timedelta(hours=1)), ("later", NOW + timedelta(hours=1))):
            player_id = build_player_id(name)
            unit.book(Change(MEMBER, LedgerKind.ADMIN, 300, f"admin:{name}", SINCE))  # type: ignore[attr-defined]
            unit.book(Change(MEMBER, LedgerKind.BOUNTY_PLACED, -300, f"hold:{name}", SINCE))  # type: ignore[attr-defined]
            bounty = Bounty(scope, name, player_id, name, 300, MEMBER, SINCE, expires_at)
            unit.insert_bounty(bounty)  # type: ignore[attr-defined]

    await BountyRepository(database, fences=lambda _: None).in_transaction(scope, place)
    ends_at = NOW - timedelta(hours=2)
    event = PremiumEvent(SINCE, PremiumAction.GRANTED, 3, ends_at, MEMBER)
    entry = AuditEntry(SINCE, MEMBER, AuditAction.PREMIUM_GRANT, AuditFacts())
    grant = Grant(3, SINCE, MEMBER, ends_at)
    await PremiumRepository(database).write_grant(guild_id, grant, event, entry=entry)
    window = (ProofWindow(SINCE, SINCE + timedelta(minutes=5)),)
    choices = NotificationService(NotificationRepository(database, fences=lambda _: None))
    await choices.switch(guild_id, MEMBER, None, is_on=True, locale="en-US")
    bounty = Bounty(scope, "old", build_player_id("Wolf"), "Wolf", 300, MEMBER, SINCE, NOW)

    def tell(unit: MoneyUnit) -> None:
        unit.tell(tell_placer(bounty, DirectEvent.EXPIRED, at=SINCE))

    await BountyRepository(database, fences=lambda _: None).in_transaction(scope, tell)
    link = Link(guild_id, MEMBER, build_player_id("Wolf"), "Wolf", SINCE, windows=window, untold=2)
    await LinkRepository(database).put_pending(guild_id, link)
    seasons = SeasonRepository(database, fences=lambda _: None)
    for season_id, last_day in (("over", date(2025, 4, 30)), ("later", date(2025, 5, 1))):
        await seasons.insert_season(guild_id, build_season(guild_id, season_id, last_day=last_day))


async def fill_looks(database: SafeDatabase, guild_id: GuildId) -> None:
    """Store a recap that is due, a known level, and roles that a rule gave and is about to take."""
    own = {"guild_id": int(guild_id)}
    await database.unscoped("guilds").insert_one({**own, "channels": {"news": 5}})
    week = build_span(RecapKind.WEEKLY, NOW.date() - timedelta(days=7))
    plan = {RecapKind.WEEKLY: PlannedRecap(NOW - timedelta(hours=1), week)}
    await RecapRepository(database, fences=lambda _: None).put_plan(guild_id, plan)
    known = {"member_id": int(MEMBER), "level": 4, "is_told": False, "basis": "before"}
    await database.unscoped("levels").insert_one({**own, **known})
    grants = {
        (RoleId(number), MEMBER): RoleGrant(RoleId(number), MEMBER, state, SINCE)
        for number, state in enumerate((GrantState.GIVEN, GrantState.TAKING, GrantState.BY_HAND), 1)
    }
    await RoleRepository(database, fences=lambda _: None).change_grants(guild_id, {}, grants)


async def read(database: SafeDatabase, name: str, guild_id: GuildId) -> list[Document]:
    """Return the documents of a guild."""
    return await database.unscoped(name).find({"guild_id": int(guild_id)}).to_list(None)


def build_facts() -> RestoreFacts:
    """Return the facts of a restore of the first guild."""
    return RestoreFacts(
        backup_id="killfeed-x",
        taken_at=SINCE,
        began_at=NOW,
        guild_id=GUILDS[0],
        is_same_version=True,
        has_replaced=True,
        token=FENCE.token,
    )


@pytest.mark.parametrize("version", [MIGRATIONS.newest - 1, MIGRATIONS.newest])
async def test_due_times_of_older_data_are_passed_over_once_after_its_upgrade(
    database: SafeDatabase, version: int
) -> None:
    """The next start does it, also one that finds the data upgraded by a process that died right then."""
    free = {"instance_id": "", "expires_at": SINCE, "sessions": []}
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token, **free})
    await database.unscoped("schema").insert_one({"_id": "data", "version": version})
    await fill(database, GUILDS[0])
    due = PendingDueTimes(database, default_tier=0)
    await due.put(build_facts(), FENCE)
    leases = LeaseRepository(database, shard_count=1)
    upgrade = DataUpgrade(database, leases, instance_id="new", clock=SystemClock(), follow_up=due)
    await upgrade.wait_until_current()
    [wallet] = await read(database, "wallets", GUILDS[0])
    assert (wallet["balance"], await due.is_pending()) == (300, False)
    [link] = await read(database, "links", GUILDS[0])
    assert link["untold"] == 0
    again = {"$set": {"untold": 1}}
    await database.unscoped("links").update_one({}, again)  # the request was made after the upgrade
    await upgrade.wait_until_current()
    [link] = await read(database, "links", GUILDS[0])
    assert link["untold"] == 1


async def test_news_of_before_a_restore_is_not_told_again(database: SafeDatabase) -> None:
    """A recap gets another plan. A level, and a role that is edited once more, are silent."""
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token})
    for guild_id in GUILDS:
        await fill_looks(database, guild_id)
    names = ("guilds", "levels", "role_grants")
    before = {name: await read(database, name, GUILDS[1]) for name in names}
    for _ in range(2):
        await pass_over_due(database, build_facts(), FENCE, default_tier=0)
        [guild] = await read(database, "guilds", GUILDS[0])
        assert guild["recap"] == {}
        [level] = await read(database, "levels", GUILDS[0])
        assert (level["level"], level["basis"]) == (4, "")
        grants = {one["role_id"]: one for one in await read(database, "role_grants", GUILDS[0])}
        assert {role_id: (one["state"], one["is_silent"]) for role_id, one in grants.items()} == {
            1: ("giving", True),
            2: ("taking", True),
            3: ("by_hand", False),
        }
    assert {name: await read(database, name, GUILDS[1]) for name in names} == before


async def test_ends_between_backup_and_restore_are_carried_out_in_silence(database: SafeDatabase) -> None:
    """Money is paid back once and the grant is over, in the restored guild alone; the outbox stays empty."""
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token})
    for guild_id in GUILDS:
        await fill(database, guild_id)
    facts = build_facts()
    kept = ("bounties", "guilds", "links", "seasons", "direct_messages")
    before = {name: await read(database, name, GUILDS[1]) for name in kept}
    for _ in range(2):
        await pass_over_due(database, facts, FENCE, default_tier=0)
        bounties = await read(database, "bounties", GUILDS[0])
        assert {one["bounty_id"]: one["state"] for one in bounties} == {"over": "expired", "later": "open"}
        [wallet] = await read(database, "wallets", GUILDS[0])
        assert (wallet["balance"], wallet["rows"]) == (300, 5)
        [guild] = await read(database, "guilds", GUILDS[0])
        assert "premium" not in guild
        assert [one["action"] for one in guild["premium_history"]] == ["granted", "ended"]
        [link] = await read(database, "links", GUILDS[0])
        assert (link["untold"], link["state"]) == (0, "pending")
        seasons = await read(database, "seasons", GUILDS[0])
        assert {one["season_id"]: (one["state"], one["is_silent"]) for one in seasons} == {
            "over": ("running", True),
            "later": ("running", False),
        }
        assert await read(database, "outbox", GUILDS[0]) == []
        assert await read(database, "direct_messages", GUILDS[0]) == []
    assert len(await read(database, "notifications", GUILDS[0])) == 1
    after = {name: await read(database, name, GUILDS[1]) for name in before}
    assert after == before
