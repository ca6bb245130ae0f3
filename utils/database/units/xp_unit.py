"""A change of the times of more XP: the players it concerns are counted again in the same transaction."""

from collections.abc import Sequence

from utils.database.core.transaction import Transaction
from utils.database.documents.xp_documents import XP_EVENT, XP_EVENTS_FIELD, read_xp_events
from utils.database.units.audit_unit import insert_entry
from utils.database.units.erasure_unit import ErasureTransaction
from utils.database.units.outbox_entries import append_entries
from utils.models.audit import AuditEntry
from utils.models.notices.levels import XpEventNotice
from utils.models.scope import ALL_SERVERS, GuildId, ServerId, ServerScope
from utils.models.xp import XpEvents


class XpEventTransaction:
    """One open transaction over the times of more XP of a guild, and the counters of its game servers."""

    def __init__(self, transaction: Transaction, guild_id: GuildId) -> None:
        self._transaction = transaction
        self._guild_id = guild_id

    def list_xp_events(self) -> XpEvents:
        """Return the times of more XP, in the order in which they began."""
        guilds = self._transaction.of_guild("guilds", self._guild_id)
        return read_xp_events(guilds.find_one({}, projection={XP_EVENTS_FIELD: 1}))

    def put_xp_events(self, events: XpEvents, *, entry: AuditEntry) -> None:
        """Store all times of more XP, and the entry of the audit."""
        stored = {"$set": {XP_EVENTS_FIELD: list(map(XP_EVENT.build, events))}}
        self._transaction.of_guild("guilds", self._guild_id).update_one({}, stored, upsert=True)
        insert_entry(self._transaction, self._guild_id, entry)

    def list_servers(self) -> Sequence[ErasureTransaction]:
        """Return the parts of all game servers."""
        servers = self._transaction.of_guild("game_servers", self._guild_id)
        found = servers.find({}, projection={"_id": 0, "server_id": 1}, hint="server")
        scopes = [ServerScope(self._guild_id, ServerId(one["server_id"])) for one in found]
        return [ErasureTransaction(self._transaction, scope) for scope in scopes]

    def append_notice(self, notice: XpEventNotice) -> None:
        """Append a notice to the outbox of the guild."""
        scope = ServerScope(self._guild_id, ALL_SERVERS)
        append_entries(self._transaction, scope, [notice], created_at=notice.at)
