"""Grants: giving and revoking, paused servers at the end, and alerts."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.fakes.clock import START, settle
from tests.fakes.premium import OWNER, FakePremiumStore, GrantSetup
from tests.fakes.server_loops import FakeServerLoops
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import InvalidInputError, NotFoundError, StorageUnavailableError
from utils.events import ServerAdded, ServerRemoved
from utils.models.audit import AuditEntry
from utils.models.premium import (
    TIERS,
    Grant,
    GrantChange,
    PremiumAction,
    PremiumEvent,
    PremiumState,
)
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import GameServer
from utils.services.premium.grants import LONGEST_DAYS, choose_paused, parse_guild_id

GUILD = GuildId(42)
DAY = timedelta(days=1)
SERVERS = [build_server(f"server {number}", f"id{number}") for number in range(4)]


def build_setup(*servers: GameServer, default_tier: int = 0) -> GrantSetup:
    """Return the grants of a guild with these servers, oldest first."""
    return GrantSetup(default_tier, servers=FakeServerStore(*(servers or SERVERS)))


def list_paused(setup: GrantSetup) -> list[str]:
    """Return the names of the paused servers."""
    return [server.name for server in setup.servers.servers.values() if server.is_paused]


async def test_grant_gives_a_tier_until_its_end() -> None:
    """The result has old and new state, history and audit have a line, and the servers go on."""
    setup = build_setup()
    await setup.service.pause_excess_of_all()
    assert list_paused(setup) == ["server 1", "server 2", "server 3"]
    change = await setup.service.grant(GUILD, tier=2, days=30, actor_id=OWNER)
    event = PremiumEvent(START, PremiumAction.GRANTED, 2, START + 30 * DAY, by=OWNER)
    assert change == GrantChange(
        old=PremiumState(TIERS[0]),
        new=PremiumState(TIERS[2], START + 30 * DAY, is_granted=True),
        paused=(),
        history=(event,),
    )
    assert list_paused(setup) == []
    assert setup.audit.lines == [
        (
            OWNER,
            "premium grant",
            "tier 0 (Scavenger), default → tier 2 (Mercenary), until 31 May 2025, 12:00 UTC",
        )
    ]
    assert setup.notifier.told == []


async def test_second_grant_takes_the_place_of_the_first() -> None:
    """Days count from now, not from the old end; without days the grant has no end."""
    setup = build_setup()
    await setup.service.grant(GUILD, tier=4, days=30, actor_id=OWNER)
    change = await setup.service.grant(GUILD, tier=1, days=None, actor_id=OWNER)
    assert (change.old.tier, change.new) == (TIERS[4], PremiumState(TIERS[1], None, is_granted=True))
    assert change.paused == ("server 2", "server 3")
    assert [event.tier for event in change.history] == [4, 1]


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1])
async def test_days_that_are_no_time_are_refused(days: int) -> None:
    """Nothing is written, and the sentence says what to do."""
    setup = build_setup()
    with pytest.raises(InvalidInputError, match="1 to 3,650"):
        await setup.service.grant(GUILD, tier=2, days=days, actor_id=OWNER)
    assert (setup.store.records, setup.audit.lines) == ({}, [])


@pytest.mark.parametrize("tier", [-1, 0, 5])
async def test_tiers_that_are_none_are_refused(tier: int) -> None:
    """Tier 0 cannot be granted; a revocation gives it."""
    with pytest.raises(InvalidInputError, match="from 1 to 4"):
        await build_setup().service.grant(GUILD, tier=tier, days=1, actor_id=OWNER)


async def test_revoked_guild_has_the_default_again() -> None:
    """The newest servers are paused, the reason is stored, and the admins get an alert without it."""
    setup = build_setup()
    await setup.service.grant(GUILD, tier=2, days=30, actor_id=OWNER)
    change = await setup.service.revoke(GUILD, reason="  asked   for it ", actor_id=OWNER)
    assert (change.new, change.paused) == (PremiumState(TIERS[0]), ("server 1", "server 2", "server 3"))
    assert change.history[-1] == PremiumEvent(
        START, PremiumAction.REVOKED, 2, START + 30 * DAY, by=OWNER, reason="asked for it"
    )
    assert setup.audit.lines[-1][1:] == (
        "premium revoke",
        "tier 2 (Mercenary), until 31 May 2025, 12:00 UTC → tier 0 (Scavenger), default (asked for it)",
    )
    [told] = setup.notifier.told
    assert "server 1, server 2, server 3" in told
    assert "asked" not in told


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
async def test_revoking_needs_a_reason(reason: str) -> None:
    """A line of the history needs a reason."""
    setup = build_setup()
    await setup.service.grant(GUILD, tier=2, days=None, actor_id=OWNER)
    with pytest.raises(InvalidInputError, match="reason of 1 to 200"):
        await setup.service.revoke(GUILD, reason=reason, actor_id=OWNER)


async def test_nothing_is_revoked_where_nothing_is_granted() -> None:
    """A guild without a grant, or with an ended one, cannot lose it."""
    setup = build_setup()
    with pytest.raises(NotFoundError, match=r"has no grant: it's on the default tier 0"):
        await setup.service.revoke(GUILD, reason="why", actor_id=OWNER)
    setup.store.give(GUILD, 2, START)
    with pytest.raises(NotFoundError, match="has no grant"):
        await setup.service.revoke(GUILD, reason="why", actor_id=OWNER)


async def test_end_pauses_the_newest_servers_and_tells_the_admins_once() -> None:
    """The timer does all of it at the end, not before, and not again."""
    setup = build_setup()
    await setup.service.grant(GUILD, tier=3, days=1, actor_id=OWNER)
    setup.clock.move(86_399)
    await setup.service.end_due()
    assert (list_paused(setup), setup.notifier.told) == ([], [])
    setup.clock.move(1)
    for _ in range(3):
        await setup.service.end_due()
    assert list_paused(setup) == ["server 1", "server 2", "server 3"]
    [told] = setup.notifier.told
    assert told == (
        "This Discord server's premium tier 3 (Warlord) has ended. It's on tier 0 (Scavenger) now. "
        "There's only room for 1 game server now, so I paused server 1, server 2, server 3. I'll keep their "
        "data and read them again when there's room. See /premium status. The bot's owner can "
        "grant a tier again."
    )
    assert setup.store.records[GUILD].grant is None
    assert setup.store.records[GUILD].history[-1].action is PremiumAction.ENDED
    assert setup.audit.lines[-1] == (
        None,
        "premium end",
        "tier 3 (Warlord), until 02 May 2025, 12:00 UTC → tier 0 (Scavenger), default",
    )


async def test_paused_servers_are_read_again_after_a_new_grant() -> None:
    """Each change of a server's state restarts its loop; nothing else does."""
    setup = build_setup()
    await setup.service.pause_excess_servers(GUILD)
    await setup.service.pause_excess_servers(GUILD)
    await setup.service.grant(GUILD, tier=1, days=1, actor_id=OWNER)
    assert setup.loops.notes == [("restart", SERVERS[number].scope) for number in (1, 2, 3, 1)]
    assert list_paused(setup) == ["server 2", "server 3"]


async def test_new_grant_wins_over_the_end_of_the_old_one() -> None:
    """A guild with a new grant in the last moment gets no alert."""
    setup = build_setup()
    setup.store.give(GUILD, 2, START + DAY)
    setup.clock.move(86_400)
    await setup.service.grant(GUILD, tier=3, days=1, actor_id=OWNER)
    await setup.service.end_due()
    assert (setup.notifier.told, list_paused(setup)) == ([], [])


async def test_end_is_carried_out_again_when_the_database_was_away() -> None:
    """The timer completes the end after an outage, with one alert."""
    for point in range(4):
        setup = build_setup()
        setup.store.give(GUILD, 2, START)
        store = setup.servers if point % 2 else setup.store
        store.failures.append(StorageUnavailableError("away"))
        with suppress(StorageUnavailableError):  # if the guilds themselves could not be listed
            await setup.service.end_due()
        assert setup.store.records[GUILD].grant is not None
        await setup.service.end_due()
        assert len(list_paused(setup)) == 3
        assert (len(setup.notifier.told), setup.store.records[GUILD].grant) == (1, None)


async def test_free_place_is_taken_by_the_oldest_paused_server() -> None:
    """After a removal another server goes on; after an outage the timer does it."""
    setup = build_setup()
    await setup.service.pause_excess_of_all()
    del setup.servers.servers[SERVERS[0].scope]
    setup.servers.failures.append(StorageUnavailableError("away"))
    setup.service.on_server_removed(ServerRemoved(scope=SERVERS[0].scope))
    await settle()
    assert list_paused(setup) == ["server 1", "server 2", "server 3"]
    await setup.service.end_due()
    assert list_paused(setup) == ["server 2", "server 3"]


async def test_server_that_was_added_while_a_tier_ended_is_paused() -> None:
    """The newest server above the limit waits, although there was room at its test."""
    setup = build_setup()
    setup.service.on_server_added(ServerAdded(scope=SERVERS[3].scope))
    await settle()
    assert list_paused(setup) == ["server 1", "server 2", "server 3"]


async def test_grant_of_another_process_counts_when_servers_are_settled() -> None:
    """Hosts may grant in another process; the cache of this one must not pause servers."""
    setup = build_setup()
    await setup.service.pause_excess_of_all()
    setup.store.give(GUILD, 2)
    setup.service.on_server_added(ServerAdded(scope=SERVERS[3].scope))
    await settle()
    assert list_paused(setup) == []


async def test_grant_is_told_truly_when_two_come_at_once() -> None:
    """They run one after the other: the second one's old state is the first one's new state."""
    setup = build_setup()
    first, second = await asyncio.gather(
        setup.service.grant(GUILD, tier=1, days=1, actor_id=OWNER),
        setup.service.grant(GUILD, tier=2, days=1, actor_id=OWNER),
    )
    assert (second.old, second.new.tier) == (first.new, TIERS[2])


class SlowServerLoops(FakeServerLoops):
    """Loops that take long to end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()

    async def restart(self, scope: ServerScope) -> None:
        """Restart once the test lets the loop end."""
        await self.may_end.wait()
        await super().restart(scope)


async def test_guild_does_not_wait_while_servers_of_another_are_paused() -> None:
    """A loop may take seconds to end, so only changes of the same guild wait for each other."""
    loops = SlowServerLoops()
    setup = GrantSetup(0, servers=FakeServerStore(*SERVERS), loops=loops)
    settling = asyncio.create_task(setup.service.pause_excess_servers(GUILD))
    await settle()
    change = await setup.service.grant(GuildId(43), tier=1, days=None, actor_id=OWNER)
    assert (change.new.tier, settling.done()) == (TIERS[1], False)
    loops.may_end.set()
    await settling


class LostAnswerStore(FakePremiumStore):
    """Writes, and still fails."""

    async def write_grant(
        self, guild_id: GuildId, grant: Grant | None, event: PremiumEvent, *, entry: AuditEntry
    ) -> None:
        """Write, and raise."""
        await super().write_grant(guild_id, grant, event, entry=entry)
        raise StorageUnavailableError("answer lost")


async def test_grant_whose_answer_was_lost_counts_at_once() -> None:
    """A failed write may have happened, so the cache is dropped, and the timer checks the servers."""
    setup = GrantSetup(store=LostAnswerStore(), servers=FakeServerStore(*SERVERS))
    await setup.service.pause_excess_of_all()
    with pytest.raises(StorageUnavailableError):
        await setup.service.grant(GUILD, tier=2, days=None, actor_id=OWNER)
    assert await setup.premium.get_tier(GUILD) == TIERS[2]
    await setup.service.end_due()
    assert list_paused(setup) == []


async def test_overview_counts_what_is_used_and_paused() -> None:
    """The overview has the tier, the servers and the table."""
    setup = build_setup(*SERVERS[:2])
    await setup.service.pause_excess_of_all()
    overview = await setup.service.describe(GUILD)
    assert (overview.state, overview.servers, overview.paused) == (
        PremiumState(TIERS[0]),
        ("server 0", "server 1"),
        ("server 1",),
    )
    assert [offer.poll_seconds for offer in overview.offers] == [30, 15, 10, 5, 5]


async def test_guild_that_was_left_is_not_settled_any_more() -> None:
    """Its cache is dropped with everything else."""
    setup = build_setup()
    setup.servers.failures.append(StorageUnavailableError("away"))
    setup.service.on_server_removed(ServerRemoved(scope=SERVERS[0].scope))
    await settle()
    setup.service.forget_guild(GUILD)
    await setup.service.end_due()
    assert list_paused(setup) == []


async def test_guild_without_servers_can_be_granted_a_tier() -> None:
    """The bot may not even be in the guild yet."""
    setup = GrantSetup()
    await setup.service.grant(GUILD, tier=2, days=None, actor_id=OWNER)
    assert await setup.premium.get_tier(GUILD) == TIERS[2]


def test_newest_servers_wait_when_there_is_no_room() -> None:
    """Servers are listed oldest first; with room for all none is paused."""
    assert choose_paused(SERVERS, capacity=3) == {SERVERS[3].scope}
    assert choose_paused(SERVERS, capacity=9) == frozenset()
    assert choose_paused([], capacity=1) == frozenset()


@pytest.mark.parametrize("text", ["", "abc", "12a", "-5", "0", "1.5", "9" * 20, str(2**63), "\u0661\u0662"])
def test_text_that_is_no_id_is_refused(text: str) -> None:
    """The sentence says where to find the id."""
    with pytest.raises(InvalidInputError, match="Copy Server ID"):
        parse_guild_id(text)


def test_id_is_read_with_blanks_around_it() -> None:
    """People paste it with blanks."""
    assert parse_guild_id(" 123456789012345678\n") == GuildId(123456789012345678)
