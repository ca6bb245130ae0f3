"""After a restore: what is verified, and what a log tells of it."""

from pathlib import Path

from structlog.testing import capture_logs

from tests.fakes import restored_town
from tests.fakes.restores import LOGGED_STEPS
from tests.fakes.verified import SERVER, Community, verify_quickly
from utils.database.core.database import SafeDatabase


async def test_restored_figures_are_compared_with_the_deaths_before_anything_is_added(
    database: SafeDatabase, tmp_path: Path
) -> None:
    """Wrong figures in a backup are told once. A catch-up counts again, so later looks leave them."""
    await restored_town.store(database)
    await Community(database).damage("players", {}, {"$inc": {"counters.kills": 7}})
    await restored_town.back_up(database, tmp_path)
    await restored_town.go_on(database, tmp_path)
    with capture_logs() as logs:
        await restored_town.TownSetup(database, tmp_path).restore(restored_town.find_archive(tmp_path))
    told = [one["why"] for one in logs if one["event"] == "restored data is not right"]
    assert len(told) == 1
    assert told[0].startswith("1 figure isn't what the deaths say")
    assert str(int(SERVER.guild_id)) in told[0]
    assert (await verify_quickly(database)).is_good


async def test_log_tells_each_step_of_a_restore(database: SafeDatabase, tmp_path: Path) -> None:
    """Its beginning, the backup of before, the steps and the end are there, and the deaths that it lacks."""
    await restored_town.build(database, tmp_path)
    with capture_logs() as logs:
        await restored_town.TownSetup(database, tmp_path).restore(restored_town.find_archive(tmp_path))
    assert [one["event"] for one in logs if one["log_level"] == "info" and "backup" in one] == LOGGED_STEPS
    [end] = [one for one in logs if one["event"] == "a backup is restored"]
    assert (end["deaths_to_read_again"], end["deaths_lost"]) == (0, 0)
