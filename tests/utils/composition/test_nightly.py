"""The night of a whole bot: the verification of the data follows the backup by itself."""

import asyncio
from pathlib import Path

from tests.fakes.clock import FakeClock
from tests.fakes.verified import GUILD, MEMBERS, Community
from utils.backup.backups import CHECK_SECONDS, FIRST_CHECK_SECONDS
from utils.composition.build import build_application
from utils.composition.storage import build_leases
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.verification.checks import DataChecks
from utils.models.verification import DataFault, DataFinding
from utils.secrets import SecretBox
from utils.settings import Settings
from utils.tasks import TaskManager


async def test_data_is_verified_and_repaired_after_the_backup_of_the_night(
    tmp_path: Path, database: SafeDatabase, mongod_uri: str, clock: FakeClock
) -> None:
    """The schedule of backups starts it, in a real child process; its result is stored and shown."""
    await MIGRATIONS.ensure_version(database)
    community, payer = Community(database), {"member_id": int(MEMBERS[0])}
    await community.store()
    await community.damage("wallets", payer, {"$inc": {"balance": 5}})
    mongodb = {"uri": mongod_uri, "database": database.name}
    settings = Settings.model_validate({"data_dir": tmp_path, "secret_key": "k" * 40, "mongodb": mongodb})
    leases = build_leases(settings, database, "bot", clock)
    await leases.wait_for_leases()
    tasks, box = TaskManager(clock), SecretBox("a key for these tests alone")
    bot = build_application(settings, database, leases, box, tasks, extensions=(), clock=clock)
    bot.backups.manager.verifier.free_memory = lambda: 0  # no trial, which is shown elsewhere
    schedule = asyncio.create_task(bot.backups.manager.run())
    while bot.health.data.full is None:
        await asyncio.sleep(0.01)
        if clock.slept and clock.slept[-1] in {FIRST_CHECK_SECONDS, CHECK_SECONDS}:
            clock.move(CHECK_SECONDS)
    schedule.cancel()
    await asyncio.gather(schedule, return_exceptions=True)
    wallet = DataFinding(DataFault.WALLET, GUILD, member_id=MEMBERS[0]).repaired()
    assert (*bot.health.data.full.findings,) == (wallet,)
    assert await DataChecks(database).find() == bot.health.data.full
    found = await database.unscoped("wallets").find_one({"guild_id": int(GUILD), **payer})
    assert found is not None
    assert found["balance"] == 120
    await tasks.stop()
