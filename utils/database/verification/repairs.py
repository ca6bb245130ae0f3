"""Repairs in the database: each is one transaction behind the lease of its guild, with its audit."""

from collections.abc import Callable, Collection, Sequence

from utils.database.core.blocking import Replacement
from utils.database.core.indexes import ensure_indexes
from utils.database.core.keys import build_key_prefix
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import decode_documents, read_death
from utils.database.documents.faction_documents import NO_FACTION
from utils.database.documents.link_documents import PROVEN
from utils.database.repositories.repository import FencedRepository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.count_lock import hold_counts, void_import
from utils.database.units.server_numbers import Draw, draw_numbers
from utils.database.verification.faction_marks import ACTIVE, CURRENT, find_right, read_memberships
from utils.database.verification.stored_data import StoredData, try_to_read
from utils.models.audit import AuditEntry
from utils.models.deaths import Death
from utils.models.scope import GuildId, MemberId, ServerScope
from utils.models.verification import LedgerLine

_LINE = {"_id": 0, "guild_id": 1, "member_id": 1, "number": 1, "amount": 1, "balance": 1}


class DataRepairs(FencedRepository):
    """The writes of repairs."""

    async def ensure_indexes(self) -> Collection[str]:
        """Make every missing or different index; return what is still wrong, for example one too many."""
        await ensure_indexes(self._database)
        return await self._database.call(StoredData(self._database.operations).list_index_problems)

    async def restore_deaths(
        self,
        scope: ServerScope,
        documents: Sequence[bytes],
        *,
        denies: Callable[[Death], bool],
        entry: AuditEntry,
    ) -> int:
        """Store deaths of a backup that are missing or denied; return how many.

        A stored death is replaced only while it cannot be read or denies its id.

        Raises:
            LeaseLostError: another process serves the guild.
        """
        wanted = [one for raw in documents for one in decode_documents(raw)]
        prefix = build_key_prefix(scope)

        def restore(transaction: Transaction) -> int:
            kills, cursors = (transaction.of_server(name, scope) for name in ("kills", "cursors"))
            if (
                transaction.of_server("game_servers", scope).find_one({"removed_at": {"$exists": False}})
                is None
            ):
                return 0
            hold_counts(cursors)
            keys = [one["_id"] for one in wanted if bytes(one["_id"]).startswith(prefix)]
            stored = {one["_id"]: one for one in kills.find({"_id": {"$in": keys}}, hint="_id_")}
            writes = [
                Replacement({"_id": one["_id"]}, one)
                for one in wanted
                if one["_id"] in keys and _is_wrong(stored.get(one["_id"]), denies)
            ]
            if writes:
                kills.bulk_write(writes)
                void_import(cursors)
                draw_numbers(transaction, scope, Draw({}, changes_counters=True))
                insert_entry(transaction, scope.guild_id, entry)
            return len(writes)

        return await self._in_transaction(scope.guild_id, restore)

    async def mend_wallet(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        *,
        judge: Callable[[Sequence[LedgerLine]], tuple[int, int] | None],
        entry: AuditEntry,
    ) -> bool:
        """Give a wallet the rows and the balance of its ledger; stop it if ``judge`` returns none.

        Returns:
            True if it was mended.
        """
        own = {"member_id": int(member_id)}

        def mend(transaction: Transaction) -> bool:
            wallets = transaction.of_guild("wallets", guild_id)
            found = transaction.of_guild("ledger", guild_id).find(
                own, projection=_LINE, sort=[("number", -1)], hint="member"
            )
            right = judge([LedgerLine(**one) for one in found])
            if right is None:
                stop = {"$set": {"is_stopped": True}, "$setOnInsert": {"rows": 0, "balance": 0}}
                wallets.update_one(own, stop, upsert=True)
                return False
            rows, balance = right
            fields = {"$set": {"rows": rows, "balance": balance}, "$unset": {"is_stopped": ""}}
            wallets.update_one(own, fields, upsert=True)
            insert_entry(transaction, guild_id, entry)
            return True

        return await self._in_transaction(guild_id, mend)

    async def mend_marks(self, guild_id: GuildId, *, entry: AuditEntry) -> int:
        """Write into proven links the factions of their members' periods; return how many changed.

        Each change of a membership writes the same links, so of two at once one runs again.
        """

        def mend(transaction: Transaction) -> int:
            links = transaction.of_guild("links", guild_id)
            memberships = read_memberships(
                transaction.of_guild("factions", guild_id).find(ACTIVE, hint="active"),
                transaction.of_guild("faction_periods", guild_id).find(CURRENT, hint="current"),
            )
            changed = 0
            for link in links.find(PROVEN, hint="proven"):
                right = find_right(link, memberships)
                if right is not None:
                    update = {"$set": right} if right else {"$unset": NO_FACTION}
                    changed += links.update_one({"player_id": link["player_id"], **PROVEN}, update)
            if changed:
                insert_entry(transaction, guild_id, entry)
            return changed

        return await self._in_transaction(guild_id, mend)

    async def delete_orphans(self, scope: ServerScope, name: str) -> None:
        """Delete the documents of a collection, if their game server is still gone."""

        def delete(transaction: Transaction) -> None:
            if transaction.of_server("game_servers", scope).find_one({}) is None:
                transaction.of_server(name, scope).delete({})

        await self._in_transaction(scope.guild_id, delete)


def _is_wrong(stored: Document | None, denies: Callable[[Death], bool]) -> bool:
    if stored is None:
        return True
    death = try_to_read(read_death, stored)
    return death is None or denies(death)
