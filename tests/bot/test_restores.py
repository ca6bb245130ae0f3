"""The whole bot, backed up and restored: every death once, every post once, all figures equal."""

import pytest

from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from simulation.town import list_embeds
from tests.bot.conftest import StageFactory
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from utils.models.deaths import DeathRow

PATIENT_SECONDS = 300.0  # a trial has low priority, so it waits for everything else on a busy machine
HISTORY, LIVE = 60, 8


async def run(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """Run a call of the bot's installation."""
    config = ("--config", str(stage.bot.config_path))
    return await run_command(*arguments, *config, within_seconds=PATIENT_SECONDS)


async def check(stage: Stage, history: list[DeathRow], live: list[DeathRow]) -> None:
    """Every death is stored and counted once, and each live one is posted once."""
    figures = count_rows([*history, *live]).summarise()
    await until(lambda: stage.read_counters() == figures, what=lambda: stage.bot.output)
    assert read_posts(await stage.wait_for_posts(len(live))) == expect_posts(live, history)
    assert stage.count_deaths() == len(history) + len(live)


def damage(stage: Stage) -> None:
    """Write over the files by which the bot's own mongod finds its data."""
    for name in ("WiredTiger", "WiredTiger.turtle", "WiredTiger.wt"):
        (stage.bot.data_dir / "mongodb" / name).write_bytes(b"damaged")


@pytest.mark.fault
async def test_bot_goes_on_after_a_restore_as_if_nothing_had_happened(open_stage: StageFactory) -> None:
    """A backup, a damaged database, a restore, a start; then a restore that an owner asks for in Discord.

    The restore over a database that can be read: ``tests/bot/test_catch_up.py``.
    """
    stage = await open_stage(is_embedded=True)
    stage.bot.configure(discord={"owner_ids": [stage.admin.user.id]})
    files, history = stage.open_files(), stage.take(HISTORY)
    files.append(*history)
    await stage.bot.start()
    await stage.set_channel()
    await stage.add_server("North")
    live = stage.take(LIVE)
    files.append(*live)
    await check(stage, history, live)
    code, out, error = await run(stage, "backup")
    assert (code, error) == (0, ""), out
    rows = stage.take(LIVE)  # newer than the backup, and posted before the database is lost
    live += rows
    files.append(*rows)
    await check(stage, history, live)
    assert await stage.bot.stop() == 0
    damage(stage)
    code, out, error = await run(stage, "restore", "latest", "--yes")
    assert (code, "with --discard-current that folder is set aside" in error) == (1, True), error
    code, out, error = await run(stage, "restore", "latest", "--yes", "--discard-current")
    assert (code, error) == (0, ""), out
    assert [path.is_dir() for path in stage.bot.data_dir.glob("mongodb.broken-*")] == [True]
    await stage.bot.start()
    await check(stage, history, live)
    rows = stage.take(LIVE)
    live += rows
    files.append(*rows)
    await check(stage, history, live)
    await restore_in_discord(stage)
    rows = stage.take(LIVE)
    live += rows
    files.append(*rows)
    await check(stage, history, live)
    assert [one["action"] for one in stage.read("audit") if one["actor_id"] is None] == ["backup restore"]
    assert await stage.bot.stop() == 0


async def restore_in_discord(stage: Stage) -> None:
    """Let an owner of the bot restore a backup, and wait until the bot is back in the same process."""
    pid = stage.bot.pid
    [proven] = [path.parent.name for path in stage.bot.data_dir.glob("backups/*/proof.json")]
    plan = await stage.ask("/admin backup restore", backup=proven)
    form = await (await plan.click("Restore")).wait()
    begun = await (await form.submit_modal({"The id of the backup": proven})).wait()
    assert "The bot stops now" in begun.embed["description"]
    direct = stage.world.direct_messages(stage.admin.user)
    await until(lambda: any("Backup restored" in one["title"] for one in list_embeds(direct)))
    assert (stage.bot.is_running, stage.bot.pid) == (True, pid)
