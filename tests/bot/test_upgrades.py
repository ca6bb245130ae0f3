"""A new version of the bot over the data of an older version."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bot.conftest import StageFactory
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from utils.backup.archive import list_archives
from utils.clock import SystemClock
from utils.database.migrations.migrations import MIGRATIONS
from utils.models.backups import BackupReason

PATIENT_SECONDS = 120.0
FREE: dict[str, Any] = {"instance_id": "", "sessions": [], "expires_at": datetime.fromtimestamp(0, UTC)}


def write_data(stage: Stage, *, version: int) -> None:
    """Store the version of the data."""
    with stage.open_database() as database:
        database["schema"].update_one({"_id": "data"}, {"$set": {"version": version}}, upsert=True)


def write_lease(stage: Stage, **fields: Any) -> None:
    """Store the lease of shard 0; by default another process holds it."""
    held = {
        "token": 5,
        "shard_count": 1,
        "instance_id": "other",
        "sessions": [b"0123456789abcdef"],
        "expires_at": SystemClock().now() + timedelta(minutes=10),
    }
    with stage.open_database() as database:
        database["leases"].update_one({"_id": 0}, {"$set": held | fields}, upsert=True)


async def test_new_bot_waits_for_the_older_one_and_goes_on_by_itself(open_stage: StageFactory) -> None:
    """The bot says to stop the other one first, changes nothing until then, and can be stopped meanwhile."""
    stage = await open_stage()
    write_data(stage, version=MIGRATIONS.newest - 1)
    write_lease(stage)
    await stage.bot.start(is_awaited=False)
    await until(lambda: "stop that one first" in stage.bot.output, what=lambda: stage.bot.output)
    assert await stage.bot.stop() == 0
    code, out, _ = await run_command("check", "--config", str(stage.bot.config_path))
    assert (code, f"of version {MIGRATIONS.newest - 1}; the start brings it to" in out) == (0, True)
    assert stage.read("schema", _id="data") == [{"_id": "data", "version": MIGRATIONS.newest - 1}]
    identified = stage.world.gateway.identifies
    await stage.bot.start(is_awaited=False)
    write_lease(stage, **FREE)
    await stage.bot.wait_until_ready(identified)
    assert stage.read("schema", _id="data") == [{"_id": "data", "version": MIGRATIONS.newest}]
    assert await stage.bot.stop() == 0
    [archive] = list_archives(stage.bot.data_dir / "backups")
    assert (archive.manifest.reason, archive.proven_at is None) == (BackupReason.BEFORE_MIGRATION, False)
    config = ("--config", str(stage.bot.config_path))
    for call, version in (
        (("restore", "before-migration", "--yes"), MIGRATIONS.newest - 1),
        (("migrate", "--dry-run"), MIGRATIONS.newest - 1),
        (("migrate", "--without-backup"), MIGRATIONS.newest),
    ):
        code, _, error = await run_command(*call, *config, within_seconds=PATIENT_SECONDS)
        assert (call[0], code, error) == (call[0], 0, "")
        assert stage.read("schema", _id="data")[0]["version"] == version


async def test_standby_of_an_older_version_ends_when_the_data_is_newer_at_its_turn(
    open_stage: StageFactory,
) -> None:
    """A standby checks the version of the data again when it gets the lease."""
    stage = await open_stage()
    write_data(stage, version=MIGRATIONS.newest)
    write_lease(stage)
    await stage.bot.start(is_awaited=False)
    await until(lambda: "as its standby" in stage.bot.output, what=lambda: stage.bot.output)
    write_data(stage, version=MIGRATIONS.newest + 1)
    write_lease(stage, **FREE)
    assert await stage.bot.wait_for_exit() == 1
    assert "Update the bot" in stage.bot.output
    assert stage.read("leases", _id=0)[0]["instance_id"] == ""
