"""A battle that outlasts two restores: nothing old is posted or paid, and no death is missing."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import pytest

from simulation.bot_process import build_environment
from simulation.counting import count_rows
from simulation.game_host.log_files import GameServerFiles
from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from tests.bot.test_backups import MEMBERS, PATIENT_SECONDS, pay, read
from utils.backup.archive import Archive, read_archive
from utils.backup.steps import do_not_pause
from utils.clock import SystemClock
from utils.composition.backups import build_backups, build_verifier
from utils.composition.storage import build_key_place
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.repositories.links import LinkRepository
from utils.models.backups import BackupReason
from utils.models.deaths import DeathRow
from utils.models.links import Link
from utils.models.scope import ERASED_PLAYER_ID, GuildId, MemberId, PlayerId
from utils.secrets import SecretBox
from utils.settings import load_settings

HISTORY, DOWN = 40, 6


class War:
    """A battle, and all that people have seen of it.

    Attributes:
        history: the rows that the first import reads.
        live: the rows after them, in their order.
        silent: how many of the live rows were counted in silence.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.files: GameServerFiles = stage.open_files()
        self.history = stage.take(HISTORY)
        self.live: list[DeathRow] = []
        self.posted: list[DeathRow] = []
        self.erased: str | None = None

    def fight(self, number: int, *, is_posted: bool = True) -> None:
        """Write deaths into the log."""
        rows = [
            row for row in self.stage.take(3 * number) if self.erased not in (row.killer_id, row.victim_id)
        ]
        self.live += rows[:number]
        self.posted += rows[:number] if is_posted else []
        self.files.append(*rows[:number])

    async def fight_on(self) -> None:
        """Write deaths until cancelled."""
        while True:
            self.fight(1)
            await asyncio.sleep(0.1)

    async def check(self) -> None:
        """Every death is stored and counted once, and each live one is posted once."""
        rows = [*self.history, *self.live]
        figures = count_rows(rows).summarise()
        if self.erased is not None:
            figures[ERASED_PLAYER_ID] = figures.pop(self.erased)
        await until(lambda: self.stage.read_counters() == figures, what=lambda: self.stage.bot.output)
        assert self.stage.count_deaths() == len(rows)
        posts = read_posts(await self.stage.wait_for_posts(len(self.posted)))
        silent = [row for row in self.live if row not in self.posted]
        expected = expect_posts(self.live, self.history)
        if silent:
            kept = dict(zip(map(id, self.live), expected, strict=True))
            expected = [kept[id(row)] for row in self.live if row in self.posted]
        assert posts == expected


async def link_on(database: SafeDatabase, guild_id: GuildId) -> None:
    """Link members until cancelled."""
    links = LinkRepository(database)
    for number in count(100):
        link = Link(guild_id, MemberId(number), PlayerId(f"{number:032x}"), "Ann", SystemClock().now())
        await links.put_proven(guild_id, link, at=link.linked_at)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def at_war(war: War) -> AsyncIterator[SafeDatabase]:
    """Let the game, four wallets and the links go on during the block."""
    stage, guild_id = war.stage, GuildId(war.stage.guild.id)
    connection = SafeMongoDBConnection(
        stage.bot.mongodb_uri, database=stage.bot.database, clock=SystemClock()
    )
    async with AsyncExitStack() as stack:
        database = await connection.open()
        stack.push_async_callback(connection.close)
        works = [war.fight_on(), link_on(database, guild_id)]
        works += [pay(database, guild_id, MemberId(number)) for number in range(1, MEMBERS + 1)]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield database
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in ended if not isinstance(one, asyncio.CancelledError)] == []


async def back_up(stage: Stage, database: SafeDatabase) -> Archive:
    """Make a backup beside the bot, without a trial."""
    settings, clock = load_settings(stage.bot.config_path, build_environment()), SystemClock()
    place = build_key_place(settings)
    verifier = build_verifier(settings, SecretBox.find(place.configured, place.data_dir), clock)
    manager = build_backups(
        settings, database, verifier, instance_id="aa" * 8, go_first=do_not_pause, clock=clock
    )
    return await manager.make_checked(BackupReason.BY_HAND)


async def restore(stage: Stage, archive: Archive, *options: str) -> None:
    """Stop the bot and restore a backup."""
    config = ("--config", str(stage.bot.config_path))
    arguments = ("restore", str(archive.path), "--yes", *options, *config)
    code, _, error = await run_command(*arguments, within_seconds=PATIENT_SECONDS)
    assert (code, error) == (0, ""), error


def check_money(stage: Stage, archive: Archive) -> None:
    """Money and links are those of the backup, and each ledger is unbroken."""
    for name, key in (("wallets", "member_id"), ("ledger", "key"), ("links", "member_id")):
        restored, kept = (
            sorted((document[key], document["_id"]) for document in documents)
            for documents in (stage.read(name), read(archive, name))
        )
        assert restored == kept
        assert len(kept) >= 1
    for wallet in stage.read("wallets"):
        rows = sorted(stage.read("ledger", member_id=wallet["member_id"]), key=lambda row: row["number"])
        assert [(row["number"], row["balance"]) for row in rows] == [
            (number, 5 * number) for number in range(1, wallet["rows"] + 1)
        ]
        assert wallet["balance"] == 5 * wallet["rows"]


async def erase_somebody(war: War) -> None:
    """Let an admin erase the player who has fought most, who then leaves the game."""
    figures = count_rows([*war.history, *war.live]).players
    player_id = max(figures, key=lambda one: figures[one].kills + figures[one].deaths)
    asked = await war.stage.ask("/data erase", player=player_id)
    await asked.click("Erase")
    await asked.wait_until(lambda one: one.embed["title"] == "✅ Erased")
    war.erased = player_id


def find_traces(stage: Stage, needle: str) -> list[str]:
    """Return the collections that hold a text."""
    with stage.open_database() as database:
        names = database.list_collection_names()
        return [name for name in names if needle in repr(list(database[name].find()))]


@pytest.mark.fault
async def test_battle_outlasts_restores_with_the_database_readable_and_lost(open_stage: StageFactory) -> None:
    """Posts stay single, waiting posts follow, and one alert reports the gap of a lost database."""
    stage = await open_stage(is_embedded=True)
    war = War(stage)
    war.files.append(*war.history)
    await stage.bot.start()
    await stage.set_channel()
    await stage.add_server("North")
    async with at_war(war) as database:
        await stage.wait_for_posts(5)
        archive = await back_up(stage, database)
        await stage.wait_for_posts(len(war.posted) + 5)
    await war.check()
    await erase_somebody(war)
    async with stage.world.outage():
        war.fight(DOWN)
        await stage.wait_for_deaths(HISTORY + len(war.live))
        assert await stage.bot.stop() == 0
    war.fight(DOWN)
    await restore(stage, archive)
    await stage.bot.start()
    await war.check()
    check_money(stage, archive)
    assert war.erased is not None
    assert find_traces(stage, war.erased) == []

    war.fight(DOWN)
    await war.check()
    assert await stage.bot.stop() == 0
    shutil.rmtree(stage.bot.data_dir / "mongodb")
    elsewhere = stage.bot.data_dir.parent / "elsewhere"  # with the erasures beside the backup
    archive.path.parent.rename(elsewhere)
    archive = read_archive(elsewhere / archive.id)
    war.fight(DOWN, is_posted=False)
    await restore(stage, archive, "--discard-current")
    await stage.bot.start()
    await war.check()
    check_money(stage, archive)
    assert find_traces(stage, war.erased) == []
    war.fight(DOWN)
    await war.check()
    gap = HISTORY + len(war.live) - DOWN - archive.manifest.deaths
    [alert] = [one for one in await stage.wait_for_alerts(1) if "restored" in one]
    assert f"{gap} deaths from then until" in alert
    assert await stage.bot.stop() == 0
