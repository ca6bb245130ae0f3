"""Groups of errors, and their hours."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from utils.database.core.blocking import BlockingCollection, Request, Update, write_requests
from utils.database.core.faults import is_only_duplicate
from utils.database.core.operations import Document
from utils.database.core.scope_rules import scope_of_guild
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.error_documents import GROUPS, build_group_write, build_hour_writes
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.errors import StorageConflictError
from utils.models.audit import AuditEntry
from utils.models.error_groups import ErrorGroup, GroupState, GroupWrite
from utils.models.scope import GuildId, MemberId

_LATEST_FIRST = [("last_seen_at", -1)]


class ErrorRepository(Repository):
    """The groups of guilds; those of the whole bot are in the guild ``WHOLE_BOT``."""

    async def find_groups(self, guild_id: GuildId, fingerprints: Sequence[str]) -> Mapping[str, ErrorGroup]:
        """Return stored groups by their fingerprint."""
        wanted = {"fingerprint": {"$in": list(fingerprints)}}
        found = await self._errors(guild_id).find(wanted, hint="group")
        return {document["fingerprint"]: GROUPS.read(document) for document in found}

    async def count_groups(self, guild_id: GuildId) -> int:
        """Return the number of a guild's groups."""
        return await self._errors(guild_id).count({})

    async def write(self, writes: Sequence[GroupWrite], parcel_id: str) -> None:
        """Write groups and their hours, outside of transactions, each in one bulk.

        The documents remember the parcel: a repeated write finds nothing to change, and the unique index
        refuses its attempt to insert the document again.
        """
        await self._database.call(partial(self._write, writes, parcel_id))

    async def list_groups(
        self, guild_id: GuildId, *, limit: int, offset: int = 0
    ) -> tuple[tuple[ErrorGroup, ...], int]:
        """Return open and resolved groups, open ones first, the latest first, and the number of all."""
        shown = {"state": {"$in": [GroupState.OPEN.value, GroupState.RESOLVED.value]}}
        order = {"$sort": {"state": 1, "last_seen_at": -1}}
        page: list[Document] = [{"$match": shown}, order, {"$skip": offset}, {"$limit": limit}]
        errors = self._errors(guild_id)
        found = await errors.aggregate(page, hint="newest")
        return tuple(map(GROUPS.read, found)), await errors.count(shown)

    async def count_open(self, guild_id: GuildId, *, since: datetime) -> tuple[int, int]:
        """Return how many groups are open, and how many of them were new from a moment on."""
        is_open = {"state": GroupState.OPEN.value}
        errors = self._errors(guild_id)
        return await errors.count(is_open), await errors.count({**is_open, "first_seen_at": {"$gte": since}})

    async def find_group(self, guild_id: GuildId, reference: str) -> ErrorGroup | None:
        """Return the group with a reference, the latest one; None if there is none."""
        found = await self._errors(guild_id).find({"reference": reference}, sort=_LATEST_FIRST, limit=1)
        return GROUPS.read(found[0]) if found else None

    async def count_hours(
        self, guild_id: GuildId, fingerprints: Sequence[str], *, since: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """Return the number of errors by fingerprint and hour (UTC), from an hour on."""
        wanted = {"hour": {"$gte": since}, "fingerprint": {"$in": list(fingerprints)}}
        found = await self._hours(guild_id).find(wanted, hint="hour")
        counted: dict[str, dict[datetime, int]] = {one: {} for one in fingerprints}
        for document in found:
            counted[document["fingerprint"]][document["hour"]] = document["n"]
        return counted

    async def resolve(
        self,
        guild_id: GuildId,
        fingerprint: str,
        *,
        at: datetime,
        by: MemberId,
        entry: AuditEntry | None = None,
    ) -> None:
        """Note that a group is resolved, and store the entry of the audit, all or nothing."""
        resolved = {"state": GroupState.RESOLVED.value, "resolved_at": at, "resolved_by": int(by)}

        def resolve(transaction: Transaction) -> None:
            errors = transaction.of_guild("errors", guild_id)
            errors.update_one({"fingerprint": fingerprint}, {"$set": resolved})
            insert_entry(transaction, guild_id, entry)

        await self._database.in_transaction(resolve)

    async def note_alert(self, guild_id: GuildId, fingerprints: Sequence[str], *, at: datetime) -> None:
        """Note when the owners were told of groups."""
        told = {"fingerprint": {"$in": list(fingerprints)}}
        await self._errors(guild_id).update_many(told, {"$set": {"alerted_at": at}})

    async def prune(self, guild_id: GuildId, *, unseen: datetime, quiet: datetime, hours: datetime) -> None:
        """Delete groups that were not seen since ``unseen`` and hours before ``hours``.

        Groups that were not seen since ``quiet`` are hidden, and forget whom they happened to.
        """
        errors = self._errors(guild_id)
        await errors.delete({"last_seen_at": {"$lt": unseen}})
        await self._hours(guild_id).delete({"hour": {"$lt": hours}})
        unseen_lately = {"last_seen_at": {"$lt": quiet}}
        await errors.update_many({**unseen_lately, "members.0": {"$exists": True}}, {"$set": {"members": []}})
        await errors.update_many(
            {**unseen_lately, "state": GroupState.OPEN.value}, {"$set": {"state": GroupState.STALE.value}}
        )

    def _write(self, writes: Sequence[GroupWrite], parcel_id: str) -> None:
        groups: list[Request] = []
        hours: list[Request] = []
        for write in writes:
            scope = scope_of_guild(write.delta.guild_id)
            groups += self._build("errors", scope, [build_group_write(write, parcel_id)])
            hours += self._build("error_hours", scope, build_hour_writes(write.delta, parcel_id))
        for name, requests in (("errors", groups), ("error_hours", hours)):
            self._write_twice(name, requests)

    def _build(self, name: str, scope: Mapping[str, int | str], updates: Iterable[Update]) -> list[Request]:
        return BlockingCollection(self._database.operations, name, scope).build_requests(updates)

    def _write_twice(self, name: str, requests: Sequence[Request]) -> None:
        """Write, and once more if a document exists already.

        Either this parcel is in it: then the second time changes nothing. Or another process inserted it at
        this moment: then the second time adds to it.
        """
        for is_last in (False, True):
            try:
                write_requests(self._database.operations, name, requests, session=None, is_ordered=False)
            except StorageConflictError as error:
                if not is_only_duplicate(error):
                    raise
                if is_last:
                    return
            else:
                return

    def _errors(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("errors", guild_id)

    def _hours(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("error_hours", guild_id)
