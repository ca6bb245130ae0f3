"""Backups of a whole bot: of one moment while a battle goes on, and cut off by a kill."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

import bson
import pytest

from simulation.counting import count_rows
from simulation.game_host.log_files import GameServerFiles
from tests.bot.conftest import StageFactory
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from utils.backup.archive import Archive, list_archives
from utils.backup.checking import read_documents
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.units.money_unit import book_change
from utils.models.deaths import DeathRow
from utils.models.money import Change, LedgerKind
from utils.models.scope import GuildId, MemberId

MOST_DEATHS = 2_000
MEMBERS = 4
PATIENT_SECONDS = 300.0  # a trial has low priority, so it waits for everything else on a busy machine


async def fight(stage: Stage, files: GameServerFiles, rows: list[DeathRow]) -> None:
    """Write deaths into the log until cancelled."""
    while len(rows) < MOST_DEATHS:
        news = stage.take(5)
        rows += news
        files.append(*news)
        await asyncio.sleep(0.2)


async def pay(database: SafeDatabase, guild_id: GuildId, member_id: MemberId) -> None:
    """Book emeralds for a member until cancelled."""
    for number in count():
        change = Change(member_id, LedgerKind.ADMIN, 5, f"{member_id}:{number}", SystemClock().now(), "")
        await database.in_transaction(partial(_book, guild_id=guild_id, change=change))
        await asyncio.sleep(0.2)


def _book(transaction: Any, *, guild_id: GuildId, change: Change) -> None:
    book_change(transaction, guild_id, change)


@asynccontextmanager
async def everybody_writes(stage: Stage, rows: list[DeathRow]) -> AsyncIterator[None]:
    """Let the game and four members write during the block."""
    connection = SafeMongoDBConnection(
        stage.bot.mongodb_uri, database=stage.bot.database, clock=SystemClock()
    )
    database = await connection.open()
    guild_id = GuildId(stage.guild.id)
    works = [fight(stage, stage.open_files(), rows)]
    works += [pay(database, guild_id, MemberId(number)) for number in range(1, MEMBERS + 1)]
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await connection.close()
    assert [one for one in ended if one is not None and not isinstance(one, asyncio.CancelledError)] == []


def read(archive: Archive, name: str) -> list[dict[str, Any]]:
    """Return the documents of a collection in a backup."""
    pieces = read_documents(archive, archive.manifest.collections[name])
    return [bson.decode(document) for documents, _ in pieces for document in documents]


def check_money(archive: Archive) -> None:
    """Every wallet is what its ledger says, row by row."""
    wallets = {wallet["member_id"]: wallet for wallet in read(archive, "wallets")}
    assert len(wallets) == MEMBERS
    for member_id, wallet in wallets.items():
        rows = [row for row in read(archive, "ledger") if row["member_id"] == member_id]
        rows.sort(key=lambda row: row["number"])
        assert [(row["number"], row["balance"]) for row in rows] == [
            (number, 5 * number) for number in range(1, wallet["rows"] + 1)
        ]
        assert wallet["balance"] == 5 * wallet["rows"]


def check_deaths(archive: Archive, stage: Stage, rows: list[DeathRow]) -> None:
    """The counters and the cursor are those of the stored deaths."""
    deaths = read(archive, "kills")
    [server] = read(archive, "game_servers")
    counters = {
        player["player_id"]: player["counters"] | {"current_streak": player["current_streak"]}
        for player in read(archive, "players")
        if player["generation"] == server["generation"]
    }
    assert counters == count_rows(rows[: len(deaths)]).summarise()
    cursors = [cursor for cursor in read(archive, "cursors") if cursor["kind"] == "file"]
    content = {path.name: path.read_bytes() for path in stage.open_files().deathlogs.rglob("*.csv")}
    read_lines = sum(content[cursor["name"]][: cursor["offset"]].count(b"\n") for cursor in cursors)
    assert read_lines == len(deaths)


async def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for something that a trial does."""
    await until(condition, within_seconds=PATIENT_SECONDS, what="the trial does not do it")


async def kill_in_its_trial(stage: Stage) -> None:
    """Let an owner ask for a backup, kill the whole bot while it is restored on trial, and start it again."""
    scratch = stage.bot.data_dir / "scratch"
    asked = await stage.ask("/admin backup now")
    assert "❌" not in asked.embed["title"], asked.embed
    await wait_for(lambda: any(scratch.glob("*/process.json")))
    await stage.bot.kill()
    await wait_for(lambda: not any(scratch.iterdir()))
    await stage.bot.start()


@pytest.mark.fault
async def test_backup_beside_a_battle_is_of_one_moment(open_stage: StageFactory) -> None:
    """Ledgers are unbroken, counters and cursors are those of the deaths; a killed trial leaves nothing."""
    stage = await open_stage(is_embedded=True)
    stage.bot.configure(discord={"owner_ids": [stage.admin.user.id]})
    rows = stage.take(200)
    stage.open_files().append(*rows)
    await stage.bot.start()
    await stage.add_server("North")
    await stage.wait_for_deaths(200)
    config = ("--config", str(stage.bot.config_path))
    home = stage.bot.data_dir / "backups"
    async with everybody_writes(stage, rows):
        await stage.wait_for_deaths(220)
        code, out, error = await run_command("backup", *config, within_seconds=PATIENT_SECONDS)
    assert (code, error) == (0, "")
    [archive] = list_archives(home)
    assert f"{archive.path}\n" in out
    assert "It is proven: it was restored on trial, and every document was the same." in out
    check_money(archive)
    check_deaths(archive, stage, rows)
    assert sum(archive.manifest.deaths_by_server.values()) == archive.manifest.deaths
    await kill_in_its_trial(stage)
    assert [archive.proven_at is None for archive in list_archives(home)] == [True, False]
    code, out, error = await run_command("verify", "latest", *config, within_seconds=PATIENT_SECONDS)
    assert (code, error, str(archive.path) in out) == (0, "", True)
    with stage.open_database() as database:
        database["players"].update_one({}, {"$inc": {"counters.kills": 7}})
        database["kills"].delete_one({"read_at": {"$exists": False}})
    code, out, error = await run_command("verify", *config, within_seconds=PATIENT_SECONDS)
    assert (code, "on 1 game server and" in out) == (1, True)
    assert "aren't what the deaths say" in error
    code, out, error = await run_command("verify", "killfeed-x", *config)
    assert (code, error) == (1, "No place has a backup killfeed-x.\n")
    assert stage.bot.is_running
    await stage.bot.stop()
    code, out, error = await run_command("verify", "--repair", *config, within_seconds=PATIENT_SECONDS)
    assert (code, error, "0 faults." in out) == (0, "", True)
    assert re.findall(r"^(repaired|NOT repaired): (\d+)", out, re.MULTILINE)[0][0] == "repaired"
