"""The documents of one guild cannot be read; every loop over guilds still serves the next guild."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bson.datetime_ms import DatetimeMS
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from tests.fakes.storage import build_server
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.documents.board_documents import build_board_document
from utils.database.documents.link_documents import build_link_document
from utils.database.documents.money_documents import build_bounty_document
from utils.database.repositories.leases import LeaseRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.links import Link, ProofWindow
from utils.models.money import Bounty
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.premium import Grant, PremiumAction, PremiumEvent
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.sharding import Sharding
from utils.secrets import SecretBox
from utils.services.shards.leases import LeaseHolder
from utils.settings import PremiumSettings, Settings
from utils.tasks import TaskManager

BAD, GOOD = GuildId(1), GuildId(2)  # the loops take them in this order
HOUR = timedelta(hours=1)
FAR = DatetimeMS(400_000_000_000_000)  # the year 14645, too far for a datetime
STRAY = {"server_id": "bad00000", "is_open": True, "slot": "open", "expires_at": START - HOUR, "board": "a"}
EMPTY = {"server_id": "bad00000"}  # every optional field is missing

POISONS: dict[str, list[tuple[str, Document]]] = {
    "premium of another type": [("guilds", {"premium": {"ends_at": START}, "premium_history": 7})],
    "a grant without fields": [("guilds", {"premium": {"ends_at": START}})],
    "channels of another type": [("guilds", {"channels": 7, "premium": {"ends_at": START}})],
    "a server of another type": [("game_servers", {**EMPTY, "port": "many"})],
    "a server of a far year": [("game_servers", {**EMPTY, "added_at": FAR})],
    "a board without fields": [("boards", {**EMPTY, "board": "kills"})],
    "a board nobody knows": [("boards", {**EMPTY, "board": "luck", "channel_id": None})],
    "a link without fields": [("links", {"member_id": 7, "player_id": "p", "is_open": True})],
    "a bounty of the year 1": [
        ("bounties", {**EMPTY, "slot": "open", "expires_at": datetime(1, 1, 1, tzinfo=UTC)}),
        ("game_servers", {**EMPTY, "port": "many"}),
    ],
    "documents of no guild": [
        (name, STRAY | {"guild_id": strange})
        for name in ("guilds", "game_servers", "boards", "links", "bounties")
        for strange in ("text", {"a": 1}, -1.5)
    ],
}


@dataclass
class House:
    """A whole application without connections, and the good guild."""

    application: Application
    database: SafeDatabase
    clock: FakeClock

    async def furnish(self) -> None:
        """Give the good guild work for every loop."""
        now, repositories = self.clock.now(), self.application.repositories
        for name in ("north", "south"):
            server = build_server(name, name.ljust(8, "0"), guild_id=GOOD)
            await repositories.servers.insert_server(server.scope, server)
        grant = Grant(4, now - 2 * HOUR, MemberId(1), now - HOUR)
        event = PremiumEvent(now - 2 * HOUR, PremiumAction.GRANTED, 4, now - HOUR, by=MemberId(1))
        entry = AuditEntry(now, MemberId(1), AuditAction.PREMIUM_GRANT, AuditFacts())
        await repositories.premium.write_grant(GOOD, grant, event, entry=entry)
        window = ProofWindow(now - 9 * HOUR, now - 8 * HOUR)
        link = Link(GOOD, MemberId(7), PlayerId("p"), "Wolf", now - 9 * HOUR, windows=(window,))
        bounty = Bounty(
            scope=ServerScope(GOOD, ServerId("north000")),
            bounty_id="b",
            player_id=PlayerId("p"),
            player_name="Wolf",
            amount=100,
            placer_id=None,
            placed_at=now - 9 * HOUR,
            expires_at=now - HOUR,
        )
        message = {"nonce": "n", "state": "sent", "prepared_at": now - 48 * HOUR}
        await self.store(GOOD, "links", {**build_link_document(link), "is_open": True})
        await self.store(GOOD, "bounties", {**build_bounty_document(bounty), "server_id": "north000"})
        await self.store(
            GOOD, "boards", build_board_document(PostedBoard(BoardKey(GOOD, ALL_SERVERS, "kills")))
        )
        await self.store(GOOD, "messages", message)

    async def store(self, guild_id: GuildId, name: str, document: Document) -> None:
        """Store a document unchanged."""
        await self.database.unscoped(name).insert_one({"guild_id": guild_id, **document})

    async def count(self, name: str, **query: object) -> int:
        """Count the good guild's documents."""
        return await self.database.unscoped(name).count_documents({"guild_id": GOOD, **query})

    async def wait_until_gone(self, name: str) -> None:
        """Wait until the good guild has no such document."""
        async with asyncio.timeout(60):
            while await self.count(name):  # noqa: ASYNC110 - a database announces nothing
                await asyncio.sleep(0.01)


@pytest.fixture(name="house")
async def _house(database: SafeDatabase, tmp_path: Path) -> AsyncIterator[House]:
    clock = FakeClock()
    leases = LeaseHolder(
        LeaseRepository(database, shard_count=1), sharding=Sharding(), instance_id="a", clock=clock
    )
    await leases.wait_for_leases()
    settings = Settings(data_dir=tmp_path, premium=PremiumSettings(default_tier=0))
    application = build_application(
        settings,
        database,
        leases,
        SecretBox("a key for these tests alone"),
        TaskManager(clock),
        extensions=(),
        clock=clock,
        is_member=lambda _: True,
    )
    house = House(application, database, clock)
    await house.furnish()
    with capture_logs():
        yield house
        await application.tasks.stop()
        await application.pool.aclose()


@pytest.mark.parametrize("poison", POISONS)
async def test_every_loop_over_guilds_has_its_turn_behind_a_guild_that_cannot_be_read(
    house: House, poison: str
) -> None:
    """A fault of one guild does not stop a round: the next guild is served in the same round."""
    for name, document in POISONS[poison]:
        await house.store(BAD, name, document)
    application, scope_index = house.application, house.application.repositories.scope_index
    await application.displays.boards.refresh_all()
    assert await house.count("boards", is_paused=True) == 1  # because its tier has ended
    await application.grants.pause_excess_of_all()
    assert await house.count("game_servers", is_paused=True) == 1
    await application.grants.end_due()
    assert await house.count("guilds", premium={"$ne": None}) == 0
    await application.features.bounty_endings.expire_due()
    assert await house.count("bounties", slot="open") == 0
    await application.proofs.look(await scope_index.list_guilds_with_open_links())
    # a task of its own updates the message of the request, and then deletes the request
    await house.wait_until_gone("links")
    await application.pruning.prune()
    assert await house.count("messages") == 0
    await application.loops.follow_guilds(lambda guild_id: guild_id == GOOD)
    assert application.tasks.is_running(f"deliver:{GOOD}")
    names = [report.name for report in application.tasks.list_reports() if report.guild_id == GOOD]
    assert {"deliver:2", "read:deaths:2/north000", "read:deaths:2/south000"} <= set(names)
