"""The second log of a game server with the whole bot: stops and starts, what admins see, and restarts."""

from datetime import timedelta
from typing import Any

from tests.bot.game_log import GameLogWriter
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields
from tests.fakes.game_log import stamp

SECRETS = ADDRESS, PASSWORD, PLATFORM_ID = ("203.0.113.44", "hunter2hunter2", "4611686018427387904")


async def wait_for_log(stage: Stage, **facts: Any) -> None:
    """Wait until the bot has stored facts about the log."""
    await until(lambda: bool(stage.read("log_state", **facts)), what=lambda: stage.bot.output)


async def read_status(stage: Stage) -> dict[str, str]:
    """Return the fields of the state of the server."""
    return get_fields((await stage.ask("/server status")).embed)


async def test_server_stops_and_starts_and_admins_see_why(stage: Stage) -> None:
    """An orderly end, a new run, the shapes of strange lines without any secret, and restarts."""
    log = GameLogWriter(stage)
    log.join("Ghost", ago=timedelta(hours=1))
    log.write(stamp(log.now, f"LogSFPS: AirDrop is {PASSWORD} of {PLATFORM_ID} at {ADDRESS}:50321"))
    await stage.add_server()
    await wait_for_log(stage, **{"tally.unmatched": 1})
    assert (await read_status(stage))["State"] == "🟢 Running"
    shown = str((await stage.ask("/admin server log", server="North")).embed)
    stored = str(stage.read("log_state"))
    for text in (shown, stored):
        assert "LogSFPS: airdrop is · of # at #" in text
    assert [secret for secret in SECRETS if secret in f"{shown}{stored}{stage.bot.output}"] == []
    await stage.ask("/admin server slots", server="North", max=70)
    assert "1 / 70" in (await stage.ask("/server online")).embed["description"]
    log.write(stamp(log.now, "x").rpartition("x")[0] + "Log file closed, 06/04/25 04:00:11\n")
    await wait_for_log(stage, is_closed=True)
    assert (await read_status(stage))["State"] == "🔴 Stopped or starting"
    log.begin_run()
    await wait_for_log(stage, is_closed=False)
    answer = await stage.ask("/admin server restarts", server="North", times="02:00", warn_minutes=10)
    assert "Each day at `02:00` (UTC)." in answer.embed["description"]
    fields = await read_status(stage)
    assert (fields["State"], fields["Next restart"][:3]) == ("🟢 Running", "<t:")
    assert [one["action"] for one in stage.read("audit")][-2:] == ["server slots", "server restarts"]
