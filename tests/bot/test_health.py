"""The whole bot reports a trouble to its owner once, over restarts, and keeps what it counted."""

import json
from datetime import timedelta

from simulation.discord import Fault, SimulatedDiscord
from tests.bot.conftest import StageFactory
from tests.bot.stage import Stage
from utils.clock import SystemClock
from utils.models.locale_uses import name_month
from utils.telemetry.health.checker import ROUND_SECONDS
from utils.telemetry.health.probes.machine import STARTS_NAME
from utils.telemetry.last_words import STATUS_FOLDER


def read_crashes(world: SimulatedDiscord) -> list[str]:
    """Return the titles of the owner's messages about many starts."""
    messages = world.direct_messages(world.owner).all_messages
    titles = [str(message.embed["title"]) for message in messages]
    return [title for title in titles if "starts again and again" in title]


async def test_owner_learns_once_that_the_bot_starts_again_and_again(stage: Stage) -> None:
    """The sixth start in ten minutes is reported at once, and the seventh is not reported again.

    The login is slow, so the first try to tell comes before it.
    """
    stage.world.add_member(stage.guild, stage.world.owner)
    await stage.bot.stop()
    now = SystemClock().now()
    starts = [(now - timedelta(seconds=seconds)).isoformat() for seconds in (50, 40, 30, 20, 10)]
    file = stage.bot.data_dir / STATUS_FOLDER / STARTS_NAME
    file.write_text(json.dumps(starts), "utf-8")
    stage.world.faults.add(Fault(route="/users/@me", delay_seconds=3))
    for _ in range(2):
        await stage.bot.start()
        await stage.world.until(
            lambda: bool(read_crashes(stage.world)),
            within_seconds=ROUND_SECONDS - 10,  # at once, and not in the next round
            what="the message to the owner",
        )
        await stage.bot.stop()
    assert len(read_crashes(stage.world)) == 1
    assert len(json.loads(file.read_text("utf-8"))) == 7


def read_uses(stage: Stage) -> dict[str, int]:
    """Return the stored uses by language."""
    months = [one for guild in stage.read("guilds") for one in guild.get("locales", {}).items()]
    assert {month for month, _ in months} <= {name_month(SystemClock().now())}
    return dict(months[0][1]) if months else {}


async def test_uses_by_language_outlive_a_stop_and_count_once_after_a_kill(open_stage: StageFactory) -> None:
    """The stop stores all of them; a kill loses at most those since the last turn of the timer."""
    stage = await open_stage()
    stage.bot.configure(discord={"owner_ids": [stage.admin.user.id]})
    stage.player.user.locale = "pl"
    await stage.bot.start()
    for _ in range(3):
        await stage.ask("/help", by=stage.player)
    assert await stage.bot.stop() == 0
    assert read_uses(stage) == {"pl": 3}
    await stage.bot.start()
    await stage.ask("/help", by=stage.player)
    await stage.bot.kill()
    assert read_uses(stage)["pl"] in {3, 4}
    before = read_uses(stage)["pl"]
    await stage.bot.start()
    await stage.ask("/help", by=stage.player)
    assert await stage.bot.stop() == 0
    assert read_uses(stage) == {"pl": before + 1}
    await stage.bot.start()
    _, whole = (await stage.ask("/admin health")).answer.embeds
    shown = {field["name"]: field["value"] for field in whole["fields"]}
    assert shown["Languages this month"] == f"`pl` {before + 1}"
    assert await stage.bot.stop() == 0
