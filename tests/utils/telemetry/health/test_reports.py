"""The health for people comes from memory, and waits for the database only for a moment."""

import asyncio
from datetime import timedelta

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import SCOPE
from tests.utils.telemetry.health.test_checker import GUILD, World, find
from utils.models.backups import BackupState
from utils.models.health import CommandShare, LeaseState, OutboxState, ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState
from utils.models.scope import GuildId
from utils.models.servers import ConnectionState
from utils.tallies import ANSWERED, FAILED, CommandTally
from utils.telemetry.health.reports import STORED_SECONDS, HealthReports

BACKUPS = BackupState(1, START, START, START, 96)
LEASE = LeaseState(0, is_own=True, expires_at=START)
OTHER = GuildId(7)


async def test_guild_sees_its_own_part_and_owners_see_all(clock: FakeClock) -> None:
    """Servers, posts, commands and troubles of other guilds do not belong to a guild's health."""
    world, tally = World(clock), CommandTally()
    checker = world.build(world.probe(IncidentKind.SERVER_UNREAD), world.probe(IncidentKind.GATEWAY_DOWN))
    world.found[IncidentKind.SERVER_UNREAD] = [
        find(IncidentKind.SERVER_UNREAD, CheckState.WARN, subject, guild_id)
        for subject, guild_id in (("k3v9x0aa", GUILD), ("other", OTHER))
    ]
    readings = [ServerReading(SCOPE, "Mirny", ConnectionState.RETRYING, START)]
    for guild_id, outcome in ((GUILD, ANSWERED), (GUILD, FAILED), (OTHER, ANSWERED)):
        tally.note("stats", outcome, guild_id=guild_id, hour=int(clock.monotonic() // 3600))
    hanging = asyncio.Event()

    async def list_leases() -> tuple[LeaseState, ...]:
        if hanging.is_set():
            await asyncio.Event().wait()
        return (LEASE,)

    async def count_errors() -> tuple[int, int]:
        return 4, 1

    async def count_locales() -> dict[str, int]:
        return {"pl": 3}

    reports = HealthReports(
        checker,
        tally,
        world.tasks,
        clock,
        list_readings=lambda: readings,
        get_outbox=lambda: OutboxState({GUILD: 2, OTHER: 5}, {OTHER: 70.0}),
        list_leases=list_leases,
        count_errors=count_errors,
        count_locales=count_locales,
        get_backups=lambda: BACKUPS,
    )
    await world.pass_quiet_time()
    await world.run(checker, 3)
    guild, other = reports.describe_guild(GUILD), reports.describe_guild(OTHER)
    assert [one.key.subject for one in guild.troubles] == ["k3v9x0aa"]
    assert (guild.waiting, guild.oldest_seconds, guild.commands) == (2, 0.0, CommandShare(1, 1))
    assert (list(guild.checks), guild.backups) == ([IncidentKind.GATEWAY_DOWN], BACKUPS)
    assert (other.servers, other.waiting, other.oldest_seconds) == ((), 5, 70.0)
    bot = await reports.describe_bot()
    assert (bot.waiting, bot.commands, bot.leases, bot.errors) == (7, CommandShare(2, 1), (LEASE,), (4, 1))
    assert bot.locales == {"pl": 3}
    hanging.set()
    asking = asyncio.ensure_future(reports.describe_bot())
    await settle()
    await clock.advance(STORED_SECONDS)
    late = await asking
    assert (late.leases, late.locales) == (None, None)


def test_commands_of_a_guild_are_counted_over_a_day() -> None:
    """Older hours drop out, and a guild that the bot left is forgotten."""
    tally = CommandTally()
    for hour in range(30):
        tally.note("stats", ANSWERED, guild_id=GUILD, hour=hour)
    assert tally.count_day(GUILD, 29) == (24, 0)
    assert tally.count_day(GUILD, 40) == (13, 0)
    tally.forget_guild(GUILD)
    assert tally.count_day_of_all(29) == (0, 0)
    assert tally.answered == 30


def test_reading_is_explained_while_its_admins_know_the_reason() -> None:
    """The admins know why a paused, refused or importing server is not read."""
    later = START + timedelta(hours=2)
    states = {state: ServerReading(SCOPE, "Mirny", state, later).is_explained for state in ConnectionState}
    assert [state for state, is_explained in states.items() if is_explained] == [
        ConnectionState.REFUSED,
        ConnectionState.NO_LOGS,
        ConnectionState.PAUSED,
    ]
    assert ServerReading(SCOPE, "Mirny", ConnectionState.CONNECTED, later, is_importing=True).is_explained
