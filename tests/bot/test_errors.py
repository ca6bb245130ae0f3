"""Errors of the whole bot: grouped, kept over restarts, shown to the admins of their guild, and erased."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulation.starts import Starter
from simulation.town import open_town
from tests.bot.conftest import SETTINGS
from tests.bot.process import drop_database
from tests.bot.stage import Stage, get_fields
from utils.telemetry.pending_file import PENDING_NAME

SECRET = "hunter2 of Ghostdkr67 at 10.0.0.7"


@pytest.fixture(name="failing")
async def _failing(tmp_path: Path, seed: int, mongod_uri: str, starter: Starter) -> AsyncIterator[Stage]:
    """Return a stage with a bot that may log tracebacks."""
    async with open_town(
        tmp_path, settings=SETTINGS, mongodb_uri=mongod_uri, enforce_rate_limits=False, starter=starter
    ) as town:
        await town.bot.start()
        yield Stage.build(town.world, town.host, town.bot, seed=seed)
    drop_database(town.bot, mongod_uri)


async def test_errors_of_a_guild_are_counted_once_over_a_stop_and_a_kill(failing: Stage) -> None:
    """Three failures before a kill, two before a clean stop and one after it are six; others see none."""
    stage = failing
    other = stage.world.create_guild("Other community")
    other_office = stage.world.create_channel(other, "office")
    with stage.open_database() as database:
        broken = {
            "guild_id": stage.guild.id,
            "at": SECRET,
            "actor_id": None,
            "action": SECRET,
            "facts": SECRET,
        }
        database["audit"].insert_one(broken)
    references = {await read_reference(stage) for _ in range(3)}
    assert "`1" not in (listed := await stage.ask("/admin errors list")).embed["description"]
    [reference] = references
    assert reference in listed.embed["description"]
    await stage.bot.kill()
    await stage.bot.start()
    references |= {await read_reference(stage) for _ in range(2)}
    await stage.bot.stop()
    assert not (stage.bot.data_dir / "status" / PENDING_NAME).exists()
    await stage.bot.start()
    assert references | {await read_reference(stage)} == {reference}
    shown = await stage.ask("/admin errors show", reference=reference)
    fields = get_fields(shown.embed)
    assert (fields["What"], fields["Where"]) == ("`ValidationError`", "`/admin audit`")
    assert fields["Count"].endswith("all: 6")
    hidden = await stage.ask("/admin errors list", everywhere=True, by=stage.admin)
    assert hidden.embed["title"] == "🔒 Bot owners only"
    elsewhere = await stage.world.owner_of(other).ask(other_office, "/admin errors show", reference=reference)
    assert elsewhere.embed["title"] == "🔎 Not found"
    assert_clean(stage)
    exported = await stage.ask("/data export")
    assert exported.message is not None
    with zipfile.ZipFile(io.BytesIO(exported.message.attachments[0].data)) as archive:
        [mine] = json.loads(archive.read("data.json"))["errors"]
    assert mine["count"] == 6


async def read_reference(stage: Stage) -> str:
    """Let a command fail, and return the reference that its member reads."""
    reply = await stage.ask("/admin audit")
    [reference] = re.findall(r"`([2-9A-Z]{6})`", reply.embed["description"])
    return str(reference)


def assert_clean(stage: Stage) -> None:
    """Find nothing of the broken document in the stored errors."""
    for name in ("errors", "error_hours"):
        found = str(stage.read(name))
        assert "hunter2" not in found
        assert "Ghostdkr67" not in found
