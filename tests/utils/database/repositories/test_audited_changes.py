"""A change by hand and its entry of the audit are one transaction: both are stored, or neither."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.database.repositories.servers import GameServerRepository
from utils.errors import StorageError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.event_settings import EventSettings
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.links import Link
from utils.models.posted_boards import BoardKey
from utils.models.reading import ImportJob
from utils.models.scope import ALL_SERVERS, ChannelId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
ADMIN, ANNA = MemberId(5), MemberId(1)
ENTRY = AuditEntry(NOW, ADMIN, AuditAction.ROLE, AuditFacts(reason="tried"))


@dataclass
class Storage:
    """A guild with a game server, a proven link and a posted board, which are changed by hand."""

    database: SafeDatabase
    scope: ServerScope
    server: GameServer
    guilds: GuildRepository = field(init=False)
    servers: GameServerRepository = field(init=False)
    links: LinkRepository = field(init=False)
    boards: PostedBoardRepository = field(init=False)

    async def open(self) -> "Storage":
        """Store what is changed later."""
        self.guilds, self.servers = GuildRepository(self.database), GameServerRepository(self.database)
        self.links, self.boards = LinkRepository(self.database), PostedBoardRepository(self.database)
        await self.servers.insert_server(self.scope, self.server)
        await self.links.put_proven(self.scope.guild_id, self.build_link("wolf"), at=NOW)
        await self.links.put_pending(self.scope.guild_id, self.build_link("lynx"))
        await self.boards.insert_board(self.board)
        return self

    @property
    def board(self) -> BoardKey:
        """The board that is posted."""
        return BoardKey(self.scope.guild_id, self.scope.server_id, "kills")

    def build_link(self, name: str) -> Link:
        """Return a link of Anna's."""
        return Link(self.scope.guild_id, ANNA, PlayerId(name), name, NOW)

    async def read(self) -> dict[str, list[dict[str, Any]]]:
        """Return all that is stored."""
        found = {name: await self.database.unscoped(name).find({}).to_list(None) for name in INDEXES}
        return {name: documents for name, documents in found.items() if documents}


@pytest.fixture(name="storage")
async def _storage(
    database: SafeDatabase, scope: ServerScope, make_server: Callable[..., GameServer]
) -> Storage:
    return await Storage(database, scope, make_server(scope)).open()


async def set_role(storage: Storage) -> None:
    """Change a setting."""
    before = GuildSettings(storage.scope.guild_id)
    after = replace(before, admin_role_id=9)
    await storage.guilds.write_settings(before.guild_id, before, after, entry=ENTRY)


async def add_server(storage: Storage) -> None:
    """Add one more."""
    scope = replace(storage.scope, server_id=ServerId("another1"))
    await storage.servers.insert_server(scope, replace(storage.server, scope=scope), entry=ENTRY)


async def edit_server(storage: Storage) -> None:
    """Rename it."""
    await storage.servers.replace_server(storage.scope, replace(storage.server, name="New"), entry=ENTRY)


async def set_channel(storage: Storage) -> None:
    """Give it a channel of its own."""
    await storage.servers.set_channel(storage.scope, ChannelKind.EVENTS, ChannelId(3), entry=ENTRY)


async def silence(storage: Storage) -> None:
    """Have a class of death not posted."""
    await storage.servers.set_silenced(storage.scope, "fall", is_silenced=True, entry=ENTRY)


async def accept_key(storage: Storage) -> None:
    """Pin another host key."""
    await storage.servers.set_host_key(storage.scope, "ssh-ed25519 NEW", entry=ENTRY)


async def choose_posts(storage: Storage) -> None:
    """Choose what is posted of its world."""
    await storage.servers.set_events(storage.scope, EventSettings(muted=frozenset({"farm"})), entry=ENTRY)


async def set_slots(storage: Storage) -> None:
    """Say how many players fit."""
    await storage.servers.set_slots(storage.scope, 70, entry=ENTRY)


async def set_restarts(storage: Storage) -> None:
    """Say when it restarts."""
    await storage.servers.set_restarts(storage.scope, ("02:00",), 10, entry=ENTRY)


async def remove_server(storage: Storage) -> None:
    """Take it out of its guild."""
    await storage.servers.mark_removed(storage.scope, keep_stats=False, at=NOW, entry=ENTRY)


async def confirm_link(storage: Storage) -> None:
    """Prove a link by hand."""
    await storage.links.put_proven(storage.scope.guild_id, storage.build_link("bear"), at=NOW, entry=ENTRY)


async def ask_again(storage: Storage) -> None:
    """Ask for a player once more."""
    await storage.links.put_pending(storage.scope.guild_id, storage.build_link("bear"), entry=ENTRY)


async def end_link(storage: Storage) -> None:
    """End the link."""

    def describe(link: Link) -> AuditEntry:
        assert link.is_proven
        return ENTRY

    await storage.links.remove(storage.scope.guild_id, ANNA, [PlayerId("wolf")], at=NOW, describe=describe)


async def refuse_request(storage: Storage) -> None:
    """Refuse a request."""
    assert await storage.links.refuse(storage.scope.guild_id, storage.build_link("lynx"), entry=ENTRY)


async def import_again(storage: Storage) -> None:
    """Begin to import the history of the server again."""
    imports = ImportRepository(storage.database, fences=lambda _: None)
    await imports.begin_import(storage.scope, ImportJob(1, NOW, {}), entry=ENTRY)


async def post_board(storage: Storage) -> None:
    """Post a board."""
    await storage.boards.insert_board(BoardKey(storage.scope.guild_id, ALL_SERVERS, "kd"), entry=ENTRY)


async def remove_board(storage: Storage) -> None:
    """Remove the posted board."""
    await storage.boards.delete_board(storage.board, entry=ENTRY)


CHANGES = (
    set_role,
    add_server,
    edit_server,
    set_channel,
    silence,
    accept_key,
    choose_posts,
    set_slots,
    set_restarts,
    remove_server,
    confirm_link,
    ask_again,
    end_link,
    refuse_request,
    import_again,
    post_board,
    remove_board,
)
each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@each_change
async def test_change_is_stored_with_its_entry(
    storage: Storage, change: Callable[[Storage], Awaitable[None]]
) -> None:
    """The audit has an entry, and the change is stored."""
    before = await storage.read()
    await change(storage)
    after = await storage.read()
    [entry] = after.pop("audit")
    assert (entry["guild_id"], entry["facts"]) == (storage.scope.guild_id, {"reason": "tried"})
    assert after != before


@each_change
async def test_nothing_changes_when_the_audit_cannot_be_written(
    storage: Storage, change: Callable[[Storage], Awaitable[None]]
) -> None:
    """A change without an entry in the audit is not stored."""
    database = storage.database.unscoped("audit").database
    await database.command("collMod", "audit", validator={"nothing": "fits"})
    before = await storage.read()
    with pytest.raises(StorageError):
        await change(storage)
    assert await storage.read() == before


async def test_server_that_was_removed_meanwhile_has_no_entry_of_a_change(storage: Storage) -> None:
    """The change is not stored, so it has no entry."""
    await storage.servers.mark_removed(storage.scope, keep_stats=True, at=NOW)
    before = await storage.read()
    for change in (edit_server, set_channel, silence, accept_key):
        await change(storage)
    assert await storage.read() == before
