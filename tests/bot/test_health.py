"""The whole bot reports a trouble to its owner once, over restarts."""

import json
from datetime import timedelta

from simulation.discord import Fault, SimulatedDiscord
from tests.bot.stage import Stage
from utils.clock import SystemClock
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
            lambda: bool(read_crashes(stage.world)), within_seconds=30, what="the message to the owner"
        )
        await stage.bot.stop()
    assert len(read_crashes(stage.world)) == 1
    assert len(json.loads(file.read_text("utf-8"))) == 7
