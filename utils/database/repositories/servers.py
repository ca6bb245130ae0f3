"""Game servers: the servers that a guild has added, and their health."""

from datetime import datetime, timedelta

from structlog import get_logger

from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.server_documents import (
    COUNTERS,
    EVENT_SETTINGS,
    build_health_document,
    build_server_document,
    read_health,
    read_server,
)
from utils.database.repositories.line_counts import count_lines
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.models.audit import AuditEntry
from utils.models.counters import CounterRecord
from utils.models.event_settings import EventSettings
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer, ServerHealth

_KEPT = {"is_removed": {"$ne": True}}
_EDITED = (
    "name",
    "host",
    "port",
    "username",
    "secret",
    "number",
    "base_path",
    "timezone",
    "legacy",
    "host_key",
    "log_folder",
)
_CURSORS = ("cursors", "log_state", "presence", "log_events")
_LEFTOVERS = ("outbox", "rejected_lines", "boards")
_STATISTICS = (
    *("kills", "players", "player_days", "server_months"),
    *("sessions", "play_days", "population"),
)


LATE_BATCH_TIME = timedelta(minutes=3)
"""No transaction from before a removal runs any more after this: mongod ends each after a minute."""

_log = get_logger(__name__)


class GameServerRepository(Repository):
    """The game servers of guilds.

    Where a change takes an ``entry`` of the audit, both are stored or neither.
    """

    async def insert_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Store a new server.

        Raises:
            StorageConflictError: the guild has a server with this id.
        """
        document = build_server_document(server)

        def insert(transaction: Transaction) -> None:
            transaction.of_server("game_servers", scope).insert_one(document)
            insert_entry(transaction, scope.guild_id, entry)

        await self._database.in_transaction(insert)

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return a server; None if it does not exist (any more)."""
        found = await self._server(scope).find_one(_KEPT)
        return None if found is None else read_server(found)

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return a guild's servers, first added first."""
        found = await self._of_guild("game_servers", guild_id).find(_KEPT)
        return tuple(
            sorted(map(read_server, found), key=lambda server: (str(server.added_at or ""), server.scope))
        )

    async def replace_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the fields that an edit may change; a removed server stays removed.

        Fields with a method of their own, and those that ingestion writes, stay unchanged.
        """
        fields = build_server_document(server)
        update = {key: fields[key] for key in _EDITED}
        await self._change(scope, {"$set": update}, entry)

    async def set_channel(
        self,
        scope: ServerScope,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set or clear the server's own channel of a kind."""
        field = f"channels.{kind.value}"
        update = {"$unset": {field: ""}} if channel_id is None else {"$set": {field: int(channel_id)}}
        await self._change(scope, update, entry)

    async def set_counter_format(
        self, scope: ServerScope, template: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the format of a counter's name; None for the default one."""
        await self._change(scope, {"$set": {"counter_format": template}}, entry)

    async def find_counter(self, scope: ServerScope) -> CounterRecord | None:
        """Return the renames of a server's counter; None before the first."""
        found = await self._server(scope).find_one(_KEPT, projection={"counter": 1})
        stored = (found or {}).get("counter")
        return None if stored is None else COUNTERS.read(stored)

    async def save_counter(self, scope: ServerScope, record: CounterRecord) -> None:
        """Write the renames of a server's counter."""
        await self._server(scope).update_one(_KEPT, {"$set": {"counter": COUNTERS.build(record)}})

    async def set_silenced(
        self, scope: ServerScope, name: str, *, is_silenced: bool, entry: AuditEntry | None = None
    ) -> None:
        """Silence an event, or post it again."""
        operator = "$addToSet" if is_silenced else "$pull"
        await self._change(scope, {operator: {"silenced": str(name)}}, entry)

    async def set_events(
        self, scope: ServerScope, settings: EventSettings, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the server's own choices about posts of events and players."""
        await self._change(scope, {"$set": {"events": EVENT_SETTINGS.build(settings)}}, entry)

    async def set_paused(self, scope: ServerScope, *, is_paused: bool) -> None:
        """Pause a server over the premium limit, or resume it."""
        await self._server(scope).update_one(_KEPT, {"$set": {"is_paused": is_paused}})

    async def set_host_key(
        self, scope: ServerScope, host_key: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Pin a host key, or forget the pinned one."""
        await self._change(scope, {"$set": {"host_key": host_key}}, entry)

    async def set_slots(
        self, scope: ServerScope, slots: int | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the number of places, or leave it to the log."""
        await self._change(scope, {"$set": {"slots": slots}}, entry)

    async def set_restarts(
        self,
        scope: ServerScope,
        times: tuple[str, ...],
        warning: int,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set the times of day at which a server restarts, and the minutes of warning.

        ``is_warned`` is for the index that holds only the servers with a warning.
        """
        fields = {"restart_times": list(times), "restart_warning": warning, "is_warned": warning > 0}
        update = {"$set": fields}
        await self._change(scope, update, entry)

    async def set_log_folder(self, scope: ServerScope, folder: str) -> None:
        """Note the folder in which a server's logs were found, as its host names it."""
        await self._server(scope).update_one(_KEPT, {"$set": {"log_folder": folder}})

    async def mark_removed(
        self, scope: ServerScope, *, keep_stats: bool, at: datetime, entry: AuditEntry | None = None
    ) -> None:
        """Remove a server from its guild, with its login and its cursors, in one transaction.

        From then on it is not found, and rows that are still being read cannot be stored, because their
        cursor is deleted. ``delete_leftovers`` deletes the rest. With ``keep_stats`` its name and generation
        stay for good.
        """
        forgotten: Document = {
            "host": "",
            "username": "",
            "secret": b"",
            "host_key": None,
            "log_folder": None,
            "channels": {},
        }
        removed = {**forgotten, "is_removed": True, "removed_at": at, "keeps_stats": keep_stats}

        def remove(transaction: Transaction) -> None:
            update = {"$set": removed, "$unset": {"health": "", "counter": ""}}
            transaction.of_server("game_servers", scope).update_one(_KEPT, update)
            for name in _CURSORS:
                transaction.of_server(name, scope).delete({})
            insert_entry(transaction, scope.guild_id, entry)

        await self._database.in_transaction(remove)

    async def delete_leftovers(self, scope: ServerScope, *, now: datetime) -> None:
        """Delete the rest of a removed server, with its statistics unless they are kept.

        It is repeated until no transaction from before the removal can be running; then the server itself is
        deleted.
        """
        removed = await self._server(scope).find_one({"removed_at": {"$exists": True}})
        if removed is None:
            return
        keeps_stats = removed["keeps_stats"]
        for name in (*_CURSORS, *_LEFTOVERS, *(() if keeps_stats else _STATISTICS)):
            await self._of_server(name, scope).delete_in_parts({})
        if removed["removed_at"] > now - LATE_BATCH_TIME:
            return
        if keeps_stats:
            await self._server(scope).update_one({}, {"$unset": {"removed_at": "", "keeps_stats": ""}})
        else:
            await self._server(scope).delete({})
        _log.info("nothing is left of a removed server", scope=str(scope), keeps_stats=keeps_stats)

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the health of a server, with its counted lines; defaults if it was never read."""
        found = await self._server(scope).find_one(_KEPT, projection={"health": 1})
        lines = await count_lines(self._database, scope)
        stored = (found or {}).get("health", {})
        return read_health(stored, scope, lines_read=lines.read, lines_rejected=lines.rejected)

    async def save_health(self, health: ServerHealth) -> None:
        """Write the health of a server, without the counted lines; a removed server stays removed."""
        document = build_health_document(health)
        await self._server(health.scope).update_one(_KEPT, {"$set": {"health": document}})

    async def _change(self, scope: ServerScope, update: Document, entry: AuditEntry | None) -> None:
        """Change a server that is not removed."""

        def change(transaction: Transaction) -> None:
            if transaction.of_server("game_servers", scope).update_one(_KEPT, update):
                insert_entry(transaction, scope.guild_id, entry)

        await self._database.in_transaction(change)

    def _server(self, scope: ServerScope) -> ScopedCollection:
        return self._of_server("game_servers", scope)
